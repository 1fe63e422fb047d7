"""Gradient magnitude similarity deviation: Xue, Zhang, Mou, Bovik, "Gradient magnitude similarity deviation: a highly efficient
perceptual image quality index", IEEE Trans. Image Processing 23(2), 2014, arXiv:1308.3052.

Lower is better, 0 for a perfect copy. Images in [0, 1] are taken to the 0..255 scale; RGB is compared by its luma (0.299, 0.587,
0.114; not rounded, as the authors' code does for 8-bit files), in the space ``rgb_each`` by the mean over its channels. 2x2 pixels
are averaged; gradients are Prewitt's over 3, with zeros beyond the border; c = 170; the deviation is the sample's (n - 1)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from raysearch.metrics._apply import apply
from raysearch.metrics._gradient import gradient
from raysearch.metrics._yiq import per_image, planes
from raysearch.metrics.base import Metric
from raysearch.metrics.protocol import Protocol
from raysearch.shapes import Image, Scores

_C = 170.0
_SMALLEST = 4
_PREWITT = (1 / 3, 1 / 3, 1 / 3)


def gmsd(restored: Image, clean: Image, protocol: Protocol) -> Scores:
    """Return the GMSD of every image, float64, at least 0; NaN where a restored value is NaN.

    Args:
        restored: (b, c, h, w); clipped to [0, 1] unless the protocol says otherwise.
        clean: (b, c, h, w) in [0, 1].

    Raises:
        SpecError: the protocol does not fit the images, or they have less than 4 x 4 pixels.
    """
    first, second = (gradient(_halved(planes(v, protocol)), _PREWITT) for v in apply(restored, clean, protocol, smallest=_SMALLEST))
    similarity = (2 * first * second + _C) / (first.square() + second.square() + _C)
    return per_image(similarity.flatten(1).std(dim=1), len(restored))


def _halved(image: Tensor) -> Tensor:
    """Average blocks of 2x2 pixels; a last odd row or column is averaged with zeros, as the authors' convolution does."""
    height, width = image.shape[-2:]
    return functional.avg_pool2d(functional.pad(image, (0, width % 2, 0, height % 2)), 2)


METRIC = Metric(gmsd, title="GMSD", unit="", decimals=4, better="lower", smallest=_SMALLEST)
