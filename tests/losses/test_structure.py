"""SSIM and its relatives against sums over every pixel's window, written out in numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from raysearch.losses import mix, ms_ssim, ms_ssim_l2, ssim
from raysearch.losses.base import Compared, LossConfig

Array = NDArray[np.float64]
CPU = torch.device("cpu")
SIGMAS = (0.5, 1, 2, 4, 8)


def window(shape: tuple[int, int], row: int, column: int, sigma: float) -> Array:
    """The weights of a pixel's window over the whole image, 2-D at once."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    weights = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * sigma**2))
    found: Array = weights / weights.sum()
    return found


def factors(x: Array, y: Array, weights: Array) -> tuple[float, float]:
    """Luminance and contrast-structure of one window; deviations are taken from the mean, as their definition says."""
    mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
    variance_x, variance_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
    covariance = (weights * (x - mean_x) * (y - mean_y)).sum()
    luminance = (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
    return luminance, (2 * covariance + 9e-4) / (variance_x + variance_y + 9e-4)


def one_scale(x: Array, y: Array, row: int, column: int, sigma: float) -> float:
    luminance, structure = factors(x, y, window(x.shape, row, column, sigma))
    return 1 - luminance * structure


def five_scales(x: Array, y: Array, row: int, column: int) -> float:
    product = 1.0
    for sigma in SIGMAS:
        luminance, structure = factors(x, y, window(x.shape, row, column, sigma))
        product *= max(structure, 0)
    return 1 - luminance * product


def everywhere(value: Callable[[Array, Array, int, int], float], restored: torch.Tensor, clean: torch.Tensor) -> Array:
    """The value of every pixel, averaged over channels: (b, 1, h, w)."""
    b, c, h, w = clean.shape
    found = np.zeros((b, c, h, w))
    for i, j, row, column in np.ndindex(b, c, h, w):
        found[i, j, row, column] = value(restored[i, j].numpy(), clean[i, j].numpy(), row, column)
    mean: Array = found.mean(axis=1, keepdims=True)
    return mean


@pytest.fixture
def pair(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    clean = torch.rand(1, 2, 9, 6, generator=generator, dtype=torch.float64)
    return clean + 0.1 * torch.randn(clean.shape, generator=generator, dtype=torch.float64), clean


@pytest.mark.parametrize("sigma", [0.7, 5.0, 9.0])
def test_ssim(sigma: float, pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    expected = everywhere(lambda x, y, i, j: one_scale(x, y, i, j, sigma), *pair)
    np.testing.assert_allclose(ssim.Config(sigma=sigma).per_pixel(*pair).numpy(), expected, rtol=1e-10)


def test_ms_ssim(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    expected = everywhere(five_scales, *pair)
    assert expected.min() < 0.9  # not all of it is cut off
    np.testing.assert_allclose(ms_ssim.Config().per_pixel(*pair).numpy(), expected, rtol=1e-10)


def test_opposed_structure_counts_as_none(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    _, clean = pair
    values = ms_ssim.Config().per_pixel(1 - clean, clean)
    assert torch.equal(values, torch.ones_like(values))


@pytest.mark.parametrize(
    ("config", "alpha", "name", "error"),
    [
        (mix.Config(), 0.84, "l1", np.abs),
        (mix.Config(alpha=0.025), 0.025, "l1", np.abs),
        (ms_ssim_l2.Config(), 0.1, "l2", lambda d: d * d / 2),
    ],
    ids=["mix", "mix of the code", "ms_ssim_l2"],
)
def test_mixtures(
    config: LossConfig, alpha: float, name: str, error: Callable[[Array], Array], pair: tuple[torch.Tensor, torch.Tensor]
) -> None:
    terms = config.build(CPU).terms(Compared(*pair))
    structure = everywhere(five_scales, *pair)
    weighted = everywhere(lambda x, y, i, j: float((window(x.shape, i, j, 8) * error(x - y)).sum()), *pair)
    assert list(terms) == ["ms_ssim", name]
    np.testing.assert_allclose(terms["ms_ssim"].numpy(), alpha * structure, rtol=1e-10)
    np.testing.assert_allclose(terms[name].numpy(), (1 - alpha) * weighted, rtol=1e-10)


@pytest.mark.parametrize("config", [ssim.Config(), ms_ssim.Config(), mix.Config(), ms_ssim_l2.Config()], ids=lambda c: c.kind)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (31, 31), (64, 50)])
def test_an_identical_image_has_no_loss_at_all(config: LossConfig, size: tuple[int, int], generator: torch.Generator) -> None:
    image = torch.rand(2, 3, *size, generator=generator)
    for values in config.build(CPU).terms(Compared(image, image)).values():
        assert not values.any()


def test_a_uniform_shift_is_seen_by_luminance_alone(generator: torch.Generator) -> None:
    clean = torch.full((1, 1, 5, 5), 0.4, dtype=torch.float64)
    expected = 1 - (2 * 0.4 * 0.6 + 1e-4) / (0.4**2 + 0.6**2 + 1e-4)
    for config in (ssim.Config(), ms_ssim.Config()):
        assert config.per_pixel(clean + 0.2, clean).numpy() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kind", [mix.Config, ms_ssim_l2.Config])
@pytest.mark.parametrize("alpha", [-0.1, 1.1])
def test_alpha_is_a_share(kind: type[LossConfig], alpha: float) -> None:
    with pytest.raises(ValidationError):
        kind.parse({"alpha": alpha})
