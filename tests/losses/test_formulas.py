"""The three losses against formulas written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from raysearch.losses import charbonnier, l1, l2
from raysearch.losses.base import LossConfig
from raysearch.metrics.protocol import Protocol
from raysearch.metrics.psnr import psnr


@pytest.mark.parametrize(
    ("loss", "formula"),
    [
        (l1.Config(), np.abs),
        (l2.Config(), np.square),
        (charbonnier.Config(), lambda d: np.sqrt(d * d + 1e-6)),
        (charbonnier.Config(eps=0.1), lambda d: np.hypot(d, 0.1)),
    ],
    ids=["l1", "l2", "charbonnier", "charbonnier 0.1"],
)
def test_formula(loss: LossConfig, formula: np.ufunc, generator: torch.Generator) -> None:
    restored = torch.randn(2, 3, 5, 6, generator=generator, dtype=torch.float64)
    clean = torch.rand(2, 3, 5, 6, generator=generator, dtype=torch.float64)
    expected = formula((restored - clean).numpy()).mean(axis=1, keepdims=True)
    np.testing.assert_allclose(loss.per_pixel(restored, clean).numpy(), expected, rtol=1e-12)


def test_the_mean_of_l2_is_the_error_behind_psnr(generator: torch.Generator) -> None:
    clean, restored = torch.rand(2, 1, 3, 8, 8, generator=generator).double()
    error = l2.Config().per_pixel(restored, clean).mean()
    assert float(psnr(restored, clean, Protocol())) == pytest.approx(float(-10 * error.log10()), abs=1e-9)


def test_charbonnier_lies_between_its_neighbours(generator: torch.Generator) -> None:
    clean, restored = torch.rand(2, 1, 3, 8, 8, generator=generator)
    absolute = l1.Config().per_pixel(restored, clean)
    smooth = charbonnier.Config(eps=0.05).per_pixel(restored, clean)
    assert (smooth >= absolute).all()
    assert (smooth <= absolute + 0.05).all()


@pytest.mark.parametrize("eps", [0, -1, 2])
def test_eps_has_a_range(eps: float) -> None:
    with pytest.raises(ValidationError):
        charbonnier.Config(eps=eps)
