"""Structural similarity: Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Trans.
Image Processing 13(4), 2004.

Window: an 11x11 Gaussian of standard deviation 1.5; K1 = 0.01, K2 = 0.03, data range 1; the variances are weighted means (no
correction for the sample size); only windows that lie inside the image count; the channels' values are averaged. Equal to
`skimage.metrics.structural_similarity` with ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False``.
"""

from __future__ import annotations

import math

from torch import Tensor

from raysearch.metrics._apply import apply
from raysearch.metrics.protocol import Protocol
from raysearch.shapes import Image, Scores

WINDOW = 11
WINDOW_SIGMA = 1.5
C1 = 0.01**2
C2 = 0.03**2


def ssim(restored: Image, clean: Image, protocol: Protocol) -> Scores:
    """Return the SSIM of every image, float64, at most 1; NaN where a restored value is NaN.

    Args:
        restored: (b, c, h, w); clipped to [0, 1].
        clean: (b, c, h, w) in [0, 1].

    Raises:
        SpecError: the protocol does not fit the images, or they are smaller than the window.
    """
    x, y = apply(restored, clean, protocol, smallest=WINDOW)
    mean_x, mean_y, square_x, square_y, product = (_blur(v) for v in (x, y, x * x, y * y, x * y))
    variances = square_x - mean_x**2 + square_y - mean_y**2
    covariance = product - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2 * covariance + C2) / (variances + C2)
    return (luminance * structure).mean(dim=(1, 2, 3))


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
