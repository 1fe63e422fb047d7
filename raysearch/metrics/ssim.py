"""Structural similarity: Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Trans.
Image Processing 13(4), 2004.

Window: an 11x11 Gaussian of standard deviation 1.5; K1 = 0.01, K2 = 0.03, data range 1; the variances are weighted means (no
correction for the sample size); only windows that lie inside the image count; the channels' values are averaged. Equal to
`skimage.metrics.structural_similarity` with ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False``.
"""

from __future__ import annotations

from raysearch.metrics._apply import apply
from raysearch.metrics._similarity import WINDOW, similarity
from raysearch.metrics.base import Metric
from raysearch.metrics.protocol import Protocol
from raysearch.shapes import Image, Scores


def ssim(restored: Image, clean: Image, protocol: Protocol) -> Scores:
    """Return the SSIM of every image, float64, at most 1; NaN where a restored value is NaN.

    Args:
        restored: (b, c, h, w); clipped to [0, 1] unless the protocol says otherwise.
        clean: (b, c, h, w) in [0, 1].

    Raises:
        SpecError: the protocol does not fit the images, or they are smaller than the window.
    """
    x, y = apply(restored, clean, protocol, smallest=WINDOW)
    luminance, structure = similarity(x, y)
    return (luminance * structure).mean(dim=(1, 2, 3))


METRIC = Metric(ssim, title="SSIM", unit="", decimals=4, better="higher", smallest=WINDOW)
