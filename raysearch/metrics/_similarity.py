"""The local statistics that SSIM, MS-SSIM and IW-SSIM share: 11x11 Gaussian windows of standard deviation 1.5 inside the image."""

from __future__ import annotations

import math

from torch import Tensor

WINDOW = 11
WINDOW_SIGMA = 1.5
C1 = 0.01**2
C2 = 0.03**2

PYRAMID_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales of Wang, Simoncelli, Bovik (2003), the finest first."""

PYRAMID_SMALLEST = (WINDOW - 1) * 2 ** (len(PYRAMID_WEIGHTS) - 1) + 1
"""Least side whose fifth scale holds one window, in pixels."""


def similarity(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the luminance term, and contrast and structure in one term, for every window.

    Args:
        x: (b, c, h, w), float64, for a data range of 1.
        y: like ``x``.

    Returns:
        Two maps (b, c, h - 10, w - 10).
    """
    mean_x, mean_y, square_x, square_y, product = (_blur(v) for v in (x, y, x * x, y * y, x * y))
    variances = square_x - mean_x**2 + square_y - mean_y**2
    covariance = product - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2 * covariance + C2) / (variances + C2)
    return luminance, structure


def _blur(image: Tensor) -> Tensor:
    """Weigh with the Gaussian window at every place where the window lies inside the image.

    One direction after the other, and one pair of symmetric offsets after the other: in double precision on a CPU that is nine
    times as fast as torch's convolution.
    """
    centre, *outer = _window()
    for direction in (2, 3):
        middle = WINDOW // 2
        size = image.shape[direction] - 2 * middle
        total = image.narrow(direction, middle, size) * centre
        for offset, weight in enumerate(outer, start=1):
            before, after = (image.narrow(direction, middle + o, size) for o in (-offset, offset))
            total += weight * (before + after)
        image = total
    return image


def _window() -> list[float]:
    """Return the weights of the window in one direction from the centre outwards; over both sides they sum to 1."""
    weights = [math.exp(-0.5 * (offset / WINDOW_SIGMA) ** 2) for offset in range(WINDOW // 2 + 1)]
    total = weights[0] + 2 * sum(weights[1:])
    return [weight / total for weight in weights]
