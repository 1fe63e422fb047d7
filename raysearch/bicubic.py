"""Change the size of images as MATLAB's ``imresize`` does, in torch: differentiable, batched, on any device.

Super-resolution sets are made with ``imresize``, and other resizers give other low-resolution images (and other PSNRs). Its rules:
the pixel ``i`` of an axis lies at ``(i + 1/2) * old / new - 1/2``; the bicubic kernel is Keys' with a = -0.5 ("Cubic convolution
interpolation for digital image processing", IEEE Trans. Acoustics, Speech, Signal Processing 29(6), 1981); where an image gets
smaller the kernel is widened by the same factor (antialiasing); the weights of a pixel sum to 1; borders are symmetric (the border
pixel is repeated, then the image is mirrored). An 8-bit image is rounded to 8 bit after each axis.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from raysearch.shapes import Bytes, Image

Kernel = Literal["bicubic", "bilinear"]
"""Keys' cubic with a = -0.5, or the triangle."""

Resized = Float[Tensor, "b c height width"]
"""Images of another size, in the type of the images that they came from."""

_GAUSSIAN_REACH = 4.0
_ROUNDING = 1e-9
_REACH = {"bicubic": 2.0, "bilinear": 1.0, "gaussian": _GAUSSIAN_REACH}


def resize(image: Image, height: int, width: int, kernel: Kernel = "bicubic", *, antialias: bool = True) -> Resized:
    """Resize images; nothing is clipped or rounded, so a bicubic result may leave the range of the image.

    Args:
        image: (b, c, h, w), any float type; half precision is computed in float32.
        height: rows of the result, at least 1.
        width: columns of the result, at least 1.
        kernel: weights of the pixels around.
        antialias: widen the kernel where the image gets smaller.
    """
    work = image.to(torch.promote_types(image.dtype, torch.float32))
    for axis, size in _axes(image, height, width):
        work = _along(work, axis, size, kernel, _stretch(image.shape[axis], size, antialias))
    return work.to(image.dtype)


def resize_8bit(
    image: Bytes, height: int, width: int, kernel: Kernel = "bicubic", *, antialias: bool = True
) -> UInt8[Tensor, "b c height width"]:
    """Resize 8-bit images as MATLAB does a uint8 array: clipped and rounded to 8 bit after each axis, computed in float64.

    The axis that shrinks most comes first, and the rows (the image's height) where both shrink alike. Halves are rounded up. See
    `resize` for the arguments.
    """
    for axis, size in _axes(image, height, width):
        exact = _along(image.double(), axis, size, kernel, _stretch(image.shape[axis], size, antialias))
        image = (exact + 0.5).floor().clamp(0, 255).to(torch.uint8)
    return image


def subsample(image: Image, factor: int, sigma: float, radius: float | None = None) -> Resized:
    """Blur with a Gaussian and keep one value for each block of ``factor`` x ``factor`` pixels, at the block's centre.

    For an odd factor that is the block's middle pixel. The Gaussian's weights sum to 1; borders are symmetric.

    Args:
        image: (b, c, h, w); height and width are divisible by ``factor``.
        factor: how many times smaller the result is.
        sigma: standard deviation of the Gaussian in pixels of ``image``, at least 0.25.
        radius: pixels farther from the centre than this don't count; 4 sigma where it is not given.
    """
    reach = _GAUSSIAN_REACH if radius is None else radius / sigma
    for axis in (2, 3):
        image = _along(image, axis, image.shape[axis] // factor, "gaussian", sigma, reach)
    return image


def _axes(image: Tensor, height: int, width: int) -> list[tuple[int, int]]:
    """Return (axis, new size) in MATLAB's order."""
    if min(height, width) < 1:
        raise ValueError(f"an image can't be resized to {height} x {width} pixels")
    return sorted([(2, height), (3, width)], key=lambda one: one[1] / image.shape[one[0]])


def _stretch(old: int, new: int, antialias: bool) -> float:
    return max(1.0, old / new) if antialias else 1.0


def _along(image: Tensor, axis: int, size: int, kernel: str, stretch: float, reach: float | None = None) -> Tensor:
    """Resize one axis: a weighted sum of as many shifted copies as the kernel has taps.

    Args:
        reach: distance beyond which the kernel is 0, before it is stretched; the kernel's own where it is not given.
    """
    reach = _REACH[kernel] if reach is None else reach
    places, weights = _taps(image.shape[axis], size, kernel, stretch, reach, image.dtype, image.device)
    shape = [1, 1, 1, 1]
    shape[axis] = size
    total = torch.zeros((), dtype=image.dtype, device=image.device)
    for place, weight in zip(places, weights, strict=True):
        total = total + image.index_select(axis, place) * weight.view(shape)
    return total


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def _taps(
    old: int, new: int, kernel: str, stretch: float, reach: float, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the pixels that each new pixel is made of, (taps, new), and their weights, (taps, new)."""
    centre = (torch.arange(new, dtype=torch.float64, device="cpu") + 0.5) * old / new - 0.5
    first = (centre - reach * stretch).floor()
    place = first[None] + torch.arange(int(2 * reach * stretch) + 3, dtype=torch.float64, device="cpu")[:, None]
    far = ((centre - place) / stretch).abs()
    weights = torch.where(far <= reach + _ROUNDING, _kernel(kernel, far), 0)
    used = (weights != 0).any(dim=1)
    place, weights = place[used].long().remainder(2 * old), weights[used] / weights.sum(dim=0)
    place = torch.minimum(place, 2 * old - 1 - place)
    return place.to(device), weights.to(dtype=dtype, device=device)


def _kernel(kernel: str, far: Tensor) -> Tensor:
    """Return the kernel's values at distances ``far`` within its reach; not normalised."""
    if kernel == "bilinear":
        return (1 - far).clamp_min(0)
    if kernel == "gaussian":
        return torch.exp(-(far**2) / 2)
    near = 1.5 * far**3 - 2.5 * far**2 + 1
    outer = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
    return torch.where(far <= 1, near, torch.where(far <= 2, outer, 0))
