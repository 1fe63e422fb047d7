"""MS-SSIM, IW-SSIM, GMSD, FSIM and FSIMc against numbers of another implementation; l1 and l2 against their formulas.

The numbers are those of piq 0.8.0 (https://github.com/photosynthesis-team/piq, whose authors check it against the MATLAB code of
each metric's), computed in double precision by ``multi_scale_ssim``, ``information_weighted_ssim``, ``gmsd`` and ``fsim``
(``chromatic`` false and true) with ``data_range=1.0`` on the images made below: photographs of scikit-image, sides divisible by 16,
since piq continues odd sides of MS-SSIM's scales elsewhere than the metric's authors do.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data
from torch import Tensor

from raysearch.metrics.base import metric
from raysearch.metrics.protocol import Protocol

Photograph = NDArray[np.uint8]

REFERENCE = {
    ("astronaut", "noise"): {"ms_ssim": 0.828391, "iw_ssim": 0.901396, "gmsd": 0.125360, "fsim": 0.756255, "fsimc": 0.732192},
    ("astronaut", "blocks"): {"ms_ssim": 0.951047, "iw_ssim": 0.974424, "gmsd": 0.070984, "fsim": 0.927162, "fsimc": 0.921403},
    ("astronaut", "blur"): {"ms_ssim": 0.972356, "iw_ssim": 0.941445, "gmsd": 0.074180, "fsim": 0.889236, "fsimc": 0.888839},
    ("coffee", "noise"): {"ms_ssim": 0.791988, "iw_ssim": 0.883119, "gmsd": 0.116306, "fsim": 0.906110, "fsimc": 0.899574},
    ("coffee", "blocks"): {"ms_ssim": 0.936836, "iw_ssim": 0.961930, "gmsd": 0.063052, "fsim": 0.953646, "fsimc": 0.950472},
    ("coffee", "blur"): {"ms_ssim": 0.947477, "iw_ssim": 0.922266, "gmsd": 0.073626, "fsim": 0.946332, "fsimc": 0.945930},
}


def photograph(name: str) -> Photograph:
    whole: Photograph = data.astronaut()[:256, :320] if name == "astronaut" else data.coffee()[:400, :592]
    return whole


def degraded(image: Photograph, how: str) -> Photograph:
    """White noise of 25 levels, steps of 32 levels, or a blur over 5x5 pixels."""
    if how == "noise":
        noise = np.random.RandomState(7).normal(0, 25, image.shape)
        return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    if how == "blocks":
        return (image // 32 * 32 + 16).astype(np.uint8)
    padded = np.pad(image.astype(float), ((2, 2), (2, 2), (0, 0)), mode="edge")
    height, width, _ = image.shape
    total = sum(padded[i : i + height, j : j + width] for i in range(5) for j in range(5))
    return np.rint(total / 25).astype(np.uint8)


def tensor(image: Photograph) -> Tensor:
    return torch.tensor(image / 255, dtype=torch.float32).permute(2, 0, 1)[None]


@pytest.mark.parametrize(("name", "how"), REFERENCE)
def test_published_metrics(name: str, how: str) -> None:
    clean = photograph(name)
    restored = degraded(clean, how)
    for kind, expected in REFERENCE[name, how].items():
        value = float(metric(kind).measure(tensor(restored), tensor(clean), Protocol()))
        assert value == pytest.approx(expected, abs=1e-4), kind


@pytest.mark.parametrize("kind", ["ms_ssim", "iw_ssim", "gmsd", "fsim"])
def test_each_channel_by_itself(kind: str) -> None:
    both = [torch.cat([tensor(photograph("coffee")[:, :320]), tensor(photograph("coffee")[:, 272:])]) for _ in range(2)]
    restored, clean = both[0] + 0.1 * both[0].flip(3) - 0.05, both[1]
    measure = metric(kind).measure
    alone = [measure(restored[:, i : i + 1], clean[:, i : i + 1], Protocol(space="gray")) for i in range(3)]
    together = measure(restored, clean, Protocol(space="rgb_each"))
    torch.testing.assert_close(together, torch.stack(alone).mean(dim=0), rtol=1e-12, atol=1e-12)
    if kind != "ms_ssim":  # which is a mean over channels in any case
        assert not torch.allclose(together, measure(restored, clean, Protocol()), rtol=1e-4)


def test_l1_and_l2_are_their_formulas() -> None:
    clean = photograph("astronaut")
    restored = degraded(clean, "noise")
    error = (restored.astype(float) - clean) / 255
    values = [float(metric(kind).measure(tensor(restored), tensor(clean), Protocol())) for kind in ("l1", "l2")]
    assert values == pytest.approx([np.abs(error).mean(), (error**2).mean()], rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "perfect"), [("ms_ssim", 1), ("iw_ssim", 1), ("gmsd", 0), ("fsim", 1), ("fsimc", 1), ("l1", 0), ("l2", 0)]
)
def test_a_perfect_copy(kind: str, perfect: float) -> None:
    clean = tensor(photograph("coffee"))
    assert float(metric(kind).measure(clean, clean, Protocol())) == pytest.approx(perfect, abs=1e-9)


@pytest.mark.parametrize("kind", ["ms_ssim", "iw_ssim"])
def test_a_flat_image_has_a_value(kind: str) -> None:
    flat = torch.full((1, 3, 176, 176), 0.5)
    assert float(metric(kind).measure(flat, flat, Protocol())) == pytest.approx(1)


def test_an_odd_side_is_continued_by_its_last_row() -> None:
    clean = tensor(photograph("astronaut"))[..., :175, :175]
    restored = (clean + 0.1 * clean.flip(-1)).clamp(0, 1)
    continued = [torch.nn.functional.pad(v, (0, 1, 0, 1), mode="replicate") for v in (restored, clean)]
    odd, even = (float(metric("ms_ssim").measure(*images, Protocol())) for images in ([restored, clean], continued))
    assert odd == pytest.approx(even, abs=5e-3)
    assert odd != even
