"""The resizer against MATLAB's rules written out slowly, against Pillow, and against what every resizer must keep."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from raysearch.bicubic import resize, resize_8bit, subsample

Plane = NDArray[np.float64]


def cubic(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


def triangle(x: float) -> float:
    return max(0.0, 1 - abs(x))


def slow_rows(plane: Plane, new: int, kernel: str, antialias: bool) -> Plane:
    """MATLAB's ``imresize`` along the first axis, pixel by pixel, in its own one-based coordinates."""
    old = len(plane)
    scale = new / old
    shrink = scale if antialias and scale < 1 else 1.0
    function, width = (cubic, 4.0) if kernel == "bicubic" else (triangle, 2.0)
    width /= shrink
    mirror = [*range(old), *reversed(range(old))]
    result = np.zeros((new, plane.shape[1]))
    for x in range(1, new + 1):
        u = x / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - width / 2)
        places = range(left, left + math.ceil(width) + 2)
        weights = [shrink * function(shrink * (u - place)) for place in places]
        for place, weight in zip(places, weights, strict=True):
            result[x - 1] += weight / sum(weights) * plane[mirror[(place - 1) % len(mirror)]]
    return result


def slow(plane: Plane, height: int, width: int, kernel: str, antialias: bool, eight_bit: bool = False) -> Plane:
    rows_first = height / plane.shape[0] <= width / plane.shape[1]
    for rows in (rows_first, not rows_first):
        plane = slow_rows(plane, height, kernel, antialias) if rows else slow_rows(plane.T, width, kernel, antialias).T
        if eight_bit:
            plane = np.clip(np.floor(plane + 0.5), 0, 255)
    return plane


SIZES = [((12, 20), (6, 10)), ((24, 15), (8, 5)), ((16, 24), (4, 6)), ((8, 16), (1, 2)), ((7, 9), (14, 27)), ((11, 6), (5, 13))]


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_equal_to_matlabs_rules(old: tuple[int, int], new: tuple[int, int], kernel: str, antialias: bool) -> None:
    plane = np.random.default_rng(1).random(old)
    expected = slow(plane, *new, kernel, antialias)
    found = resize(torch.from_numpy(plane)[None, None], *new, kernel, antialias=antialias)[0, 0]
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_8_bit_rounds_after_each_axis_rows_first(old: tuple[int, int], new: tuple[int, int], kernel: str) -> None:
    plane = np.random.default_rng(2).integers(0, 256, old)
    expected = slow(plane.astype(float), *new, kernel, True, eight_bit=True)
    found = resize_8bit(torch.from_numpy(plane).byte()[None, None], *new, kernel)[0, 0]
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_the_interior_is_pillows(factor: int) -> None:
    """Pillow has the same kernel, columns first and other borders; so it is given the image turned over."""
    pixels = np.random.default_rng(3).integers(0, 256, (24 * factor, 18 * factor), dtype=np.uint8)
    other = np.asarray(Pillow.fromarray(pixels.T.copy()).resize((24, 18), Pillow.Resampling.BICUBIC)).T
    found = resize_8bit(torch.from_numpy(pixels)[None, None], 24, 18)[0, 0].numpy()
    np.testing.assert_array_equal(found[2:-2, 2:-2], other[2:-2, 2:-2])


@pytest.mark.parametrize("new", [(5, 7), (9, 33), (22, 14)])
@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
def test_a_constant_stays_and_a_mirrored_image_is_mirrored(kernel: str, new: tuple[int, int]) -> None:
    flat = torch.full((2, 3, 11, 14), 0.37, dtype=torch.float64)
    torch.testing.assert_close(resize(flat, *new, kernel), torch.full((2, 3, *new), 0.37, dtype=torch.float64))
    image = torch.rand(1, 1, 11, 14, dtype=torch.float64)
    torch.testing.assert_close(resize(image.flip(2, 3), *new, kernel), resize(image, *new, kernel).flip(2, 3))


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
def test_a_ramp_stays_a_ramp_inside(kernel: str, factor: int) -> None:
    ramp = torch.arange(12.0 * factor, dtype=torch.float64).expand(1, 1, 12 * factor, -1)
    small = resize(ramp, 12, 12, kernel)[..., 2:-2]
    torch.testing.assert_close(small, (factor * torch.arange(2.0, 10.0, dtype=torch.float64) + (factor - 1) / 2).expand_as(small))


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
def test_the_same_size_changes_nothing(kernel: str) -> None:
    image = torch.rand(1, 3, 9, 12, dtype=torch.float64)
    torch.testing.assert_close(resize(image, 9, 12, kernel), image)


def test_every_pixel_counts_alike_when_an_image_shrinks_by_an_integer() -> None:
    """With symmetric borders the kernels of all new pixels add up to 1 / factor for every old pixel, so the mean stays."""
    image = torch.rand(1, 1, 24, 36, dtype=torch.float64)
    for factor in (2, 3, 4):
        torch.testing.assert_close(resize(image, 24 // factor, 36 // factor).mean(), image.mean())


def test_gradients_batches_and_types() -> None:
    image = torch.rand(2, 2, 6, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: resize(x, 3, 9), image)
    both = torch.rand(2, 3, 10, 8)
    torch.testing.assert_close(resize(both, 5, 4)[1:], resize(both[1:], 5, 4))
    assert resize(both.half(), 5, 4).dtype == torch.float16
    assert resize(both.to("meta"), 5, 4).shape == (2, 3, 5, 4)
    with torch.inference_mode():
        resize(both, 7, 3)
    resize(both.requires_grad_(), 7, 3).sum().backward()  # the weights that inference mode left in the cache do not hurt
    with pytest.raises(ValueError, match="0 x 4"):
        resize(both, 0, 4)


@pytest.mark.parametrize("radius", [None, 3])
def test_blur_and_subsample(radius: int | None) -> None:
    image = torch.rand(1, 1, 27, 36, dtype=torch.float64)
    padded = np.pad(image[0, 0].numpy(), 12, mode="symmetric")
    weights = np.exp(-(np.arange(-6, 7) ** 2) / (2 * 1.6**2))  # 4 sigma are 6.4 pixels
    if radius is not None:
        weights[np.abs(np.arange(-6, 7)) > radius] = 0
    blurred = np.zeros_like(padded[6:-6, 6:-6])
    for dy, wy in enumerate(weights):
        for dx, wx in enumerate(weights):
            blurred += wy * wx * padded[dy : dy + blurred.shape[0], dx : dx + blurred.shape[1]]
    blurred = blurred[6:-6, 6:-6] / weights.sum() ** 2
    np.testing.assert_allclose(subsample(image, 3, 1.6, radius)[0, 0].numpy(), blurred[1::3, 1::3], atol=1e-12)
    ramp = torch.arange(32.0, dtype=torch.float64).expand(1, 1, 4, -1)
    torch.testing.assert_close(subsample(ramp, 4, 1.0)[..., 2:-2], (4 * torch.arange(2.0, 6) + 1.5).double().expand(1, 1, 1, -1))
