"""Structural similarity: Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Trans.
Image Processing 13(4), 2004.

Window: an 11x11 Gaussian of standard deviation 1.5; K1 = 0.01, K2 = 0.03, data range 1; the variances are weighted means (no
correction for the sample size); only windows that lie inside the image count; the channels' values are averaged. Equal to
`skimage.metrics.structural_similarity` with ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False``.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

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
    """Weigh with the Gaussian window at every place where the window lies inside the image."""
    b, c, h, w = image.shape
    offsets = torch.arange(WINDOW, dtype=image.dtype, device=image.device) - WINDOW // 2
    weights = torch.exp(-0.5 * (offsets / WINDOW_SIGMA) ** 2)
    weights = weights / weights.sum()
    planes = image.reshape(b * c, 1, h, w)
    planes = functional.conv2d(planes, weights.view(1, 1, -1, 1))
    planes = functional.conv2d(planes, weights.view(1, 1, 1, -1))
    return planes.view(b, c, h - WINDOW + 1, w - WINDOW + 1)
