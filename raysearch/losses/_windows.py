"""Gaussian windows over whole images, and what structural similarity computes in them.

The window of a pixel is a Gaussian around it, cut by the image's border; its weights sum to 1. Small images and pixels near the
border need no rule of their own so: they have a smaller window. At the centre of a patch of odd size these are the windows of Zhao
et al. (2017), whose code computes that one pixel of every patch.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from raysearch.shapes import Image

C1 = 0.01**2
C2 = 0.03**2


def blur(image: Image, sigma: float) -> Image:
    """Return the mean of every pixel's window; differentiable, and not in lower precision under autocast.

    Args:
        image: (b, c, h, w), float32 or float64.
        sigma: standard deviation of the window, in pixels.
    """
    with torch.autocast(image.device.type, enabled=False):
        for _ in range(2):  # along the rows, then along the columns; the second transposition undoes the first
            image = (image @ _weights(image.shape[-1], sigma, image.dtype, image.device)).transpose(-1, -2)
    return image


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def _weights(size: int, sigma: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return (size, size) weights: column i holds the window around pixel i and sums to 1."""
    place = torch.arange(size, dtype=torch.float64, device=device)
    window = torch.exp(-((place[:, None] - place[None]) ** 2) / (2 * sigma**2))
    return (window / window.sum(dim=0)).to(dtype)


def similarity(restored: Image, clean: Image, sigma: float) -> tuple[Image, Image]:
    """Return the two factors of SSIM in every pixel's window, each (b, c, h, w) and at most 1.

    Args:
        restored: (b, c, h, w), any float type.
        clean: (b, c, h, w), float32 or float64; the precision of the result.
        sigma: standard deviation of the window, in pixels.

    Returns:
        The similarity of the means (luminance), and that of the deviations from them (contrast and structure), which is negative
        where they are opposed.
    """
    x, y = restored.to(clean.dtype), clean
    blurred = blur(torch.cat([x, y, x * x, y * y, x * y], dim=1), sigma)
    mean_x, mean_y, square_x, square_y, product = blurred.chunk(5, dim=1)
    variance_x, variance_y = square_x - mean_x * mean_x, square_y - mean_y * mean_y
    covariance = product - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x * mean_x + mean_y * mean_y + C1)
    structure = (2 * covariance + C2) / (variance_x + variance_y + C2)
    return luminance, structure


SIGMAS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Windows of MS-SSIM without a pyramid (Zhao et al. 2017), in pixels."""


def multi_scale(restored: Image, clean: Image) -> Image:
    """Return the MS-SSIM of every value, (b, c, h, w), at most 1 and at least 0 where the image's means are not negative.

    The luminance of the widest window times the structure of all five; a negative structure counts as 0, so that two of them
    don't pass for a likeness.
    """
    factors = [similarity(restored, clean, sigma) for sigma in SIGMAS]
    found = factors[-1][0]
    for _, structure in factors:
        found = found * structure.clamp_min(0)
    return found
