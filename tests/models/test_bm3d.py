"""BM3D: both steps against loops, the transforms against their definitions, and what it does to noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from raysearch.errors import SpecError
from raysearch.models import bm3d
from raysearch.models.bm3d import Config, _haar, _matrix

Plane = NDArray[np.float64]
LOW = np.array([3, -3, -22, 22, 128, 128, 22, -22, -3, 3]) / 128 / math.sqrt(2)


def restored(noisy: torch.Tensor, sigma_255: torch.Tensor | float) -> torch.Tensor:
    level = torch.full((len(noisy), 1, 1, 1), sigma_255) if isinstance(sigma_255, float) else sigma_255
    channels = noisy.shape[1]
    return Config().build(channels, channels, 1)(noisy, level)


def pyramid(signal: Plane) -> Plane:
    """The coefficients of a periodic signal, coarsest first, from the filters' taps."""
    details: list[float] = []
    while len(signal) > 1:
        half = range(len(signal) // 2)
        details[:0] = [signal[2 * k + 1] - signal[2 * k] for k in half]
        signal = np.array([sum(LOW[t] * signal[(2 * k + t - 4) % len(signal)] for t in range(10)) for k in half])
    return np.array([signal[0], *details])


def test_the_wavelets_are_their_filters_and_can_be_undone() -> None:
    forward, inverse = _matrix("wavelets", 8)
    torch.testing.assert_close(inverse @ forward, torch.eye(8, dtype=torch.float64))
    filters = np.stack([pyramid(one) for one in np.eye(8)], axis=1)
    np.testing.assert_allclose(forward.numpy(), filters / np.linalg.norm(filters, axis=1, keepdims=True), atol=1e-12)
    assert (np.abs(forward.numpy() @ np.ones(8))[1:] < 1e-12).all(), "a constant has one coefficient"


def test_the_haar_transform_is_orthonormal_and_begins_with_the_mean() -> None:
    for count in (1, 2, 8, 32):
        matrix = _haar(count)
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(count, dtype=torch.float64))
        torch.testing.assert_close(matrix[0], torch.full((count,), count**-0.5, dtype=torch.float64))


def window(side: int) -> Plane:
    return np.outer(np.kaiser(side, 2.0), np.kaiser(side, 2.0))


def group_of(image: Plane, y: int, x: int, most: int, alike: float) -> list[tuple[int, int]]:
    """The places of the blocks that are most like the one at (y, x), as many as a power of two."""
    height, width = image.shape
    cost = {
        (v, u): float(((image[y : y + 8, x : x + 8] - image[v : v + 8, u : u + 8]) ** 2).mean())
        for v in range(max(0, y - 19), min(height - 8, y + 19) + 1)
        for u in range(max(0, x - 19), min(width - 8, x + 19) + 1)
    }
    near = [place for place in sorted(cost, key=cost.__getitem__)[:most] if cost[place] <= alike]
    return near[: 2 ** int(math.log2(len(near)))]


def slow(noisy: Plane, sigma: float) -> Plane:
    """Both steps, block by block; for levels up to 40 and sides that are 8 plus a multiple of 3."""
    forward, inverse = (matrix.numpy() for matrix in _matrix("wavelets", 8))
    guide = noisy
    for final in (False, True):
        total, weights = np.zeros_like(noisy), np.zeros_like(noisy)
        for y in range(0, noisy.shape[0] - 7, 3):
            for x in range(0, noisy.shape[1] - 7, 3):
                group = group_of(guide, y, x, 32 if final else 16, (400 if final else 3000) / 255**2)
                haar = _haar(len(group)).numpy()
                stack, seen = (np.stack([image[v : v + 8, u : u + 8] for v, u in group]) for image in (noisy, guide))
                if final:
                    spectrum, power = (np.tensordot(haar, dctn(one, axes=(1, 2), norm="ortho"), 1) for one in (stack, seen))
                    factor = power**2 / (power**2 + sigma**2)
                    back = idctn(np.tensordot(haar.T, spectrum * factor, 1), axes=(1, 2), norm="ortho")
                else:
                    spectrum = np.tensordot(haar, forward @ stack @ forward.T, 1)
                    factor = (np.abs(spectrum) > 2.7 * sigma).astype(float)
                    back = inverse @ np.tensordot(haar.T, spectrum * factor, 1) @ inverse.T
                weight = window(8) / (factor**2).sum()
                for (v, u), block in zip(group, back, strict=True):
                    total[v : v + 8, u : u + 8] += weight * block
                    weights[v : v + 8, u : u + 8] += weight
        guide = total / weights
    return guide


def test_both_steps_equal_loops() -> None:
    random = np.random.default_rng(3)
    y, x = np.mgrid[:29, :23]
    noisy = 0.5 + 0.2 * np.sin(x / 2 + y / 5) + random.normal(0, 20 / 255, x.shape)
    found = restored(torch.from_numpy(noisy)[None, None], 20.0)[0, 0]
    np.testing.assert_allclose(found.numpy(), slow(noisy, 20 / 255), atol=1e-8)


@pytest.mark.parametrize(("sigma_255", "left"), [(25.0, 0.1), (60.0, 0.1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_most_of_the_noise_goes(sigma_255: float, left: float, channels: int, generator: torch.Generator) -> None:
    y, x = torch.meshgrid(torch.arange(61.0), torch.arange(50.0), indexing="ij")
    clean = (0.5 + 0.3 * torch.sign(torch.sin(x / 3) * torch.cos(y / 7)))[None, None].repeat(1, channels, 1, 1)
    clean = clean * torch.tensor([1.0, 0.7, 0.4])[:channels].view(1, -1, 1, 1)
    noisy = clean + sigma_255 / 255 * torch.randn(clean.shape, generator=generator)
    error = (restored(noisy, sigma_255) - clean).square().mean()
    assert error < left * (noisy - clean).square().mean()


def test_levels_may_vary_over_the_image(generator: torch.Generator) -> None:
    noisy = torch.rand(1, 1, 32, 32, generator=generator)
    level = torch.full((1, 1, 32, 32), 20.0)
    torch.testing.assert_close(restored(noisy, level), restored(noisy, 20.0))
    level[..., 16:, :] = 0
    assert (
        (restored(noisy, level) - noisy)[..., 24:, :].abs().max() < 0.05 < (restored(noisy, level) - noisy)[..., :8, :].abs().max()
    )


def test_it_must_be_told_the_noise_level() -> None:
    with pytest.raises(SpecError, match="'bm3d' must be told the noise level"):
        Config().build(1, 1, 1)(torch.zeros(1, 1, 32, 32), None)
    assert bm3d.Config().geometry().smallest == 16
