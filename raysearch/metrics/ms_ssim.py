"""Multi-scale structural similarity: Wang, Simoncelli, Bovik, "Multiscale structural similarity for image quality assessment",
Asilomar 2003.

SSIM's windows and constants (`raysearch.metrics.ssim`, data range 1) at five scales; contrast and structure at every scale and
the luminance at the coarsest, with the exponents 0.0448, 0.2856, 0.3001, 0.2363, 0.1333. Between scales 2x2 pixels are averaged;
a last odd row or column is averaged with itself, as in the authors' code (mirrored border). The channels' values are averaged.

Not in the paper: a negative mean at a scale counts as 0 (the authors' code gives a complex number). A loss without a pyramid that
is also called MS-SSIM is another thing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from raysearch.metrics._apply import apply
from raysearch.metrics._similarity import PYRAMID_SMALLEST, PYRAMID_WEIGHTS, similarity
from raysearch.metrics.base import Metric
from raysearch.metrics.protocol import Protocol
from raysearch.shapes import Image, Scores


def ms_ssim(restored: Image, clean: Image, protocol: Protocol) -> Scores:
    """Return the MS-SSIM of every image, float64, in [0, 1]; NaN where a restored value is NaN.

    Args:
        restored: (b, c, h, w); clipped to [0, 1] unless the protocol says otherwise.
        clean: (b, c, h, w) in [0, 1].

    Raises:
        SpecError: the protocol does not fit the images, or they have less than 161 x 161 pixels.
    """
    x, y = apply(restored, clean, protocol, smallest=PYRAMID_SMALLEST)
    total = torch.ones(x.shape[:2], dtype=x.dtype, device=x.device)
    *finer, coarsest = PYRAMID_WEIGHTS
    for weight in finer:
        _, structure = similarity(x, y)
        total = total * structure.mean(dim=(2, 3)).clamp_min(0) ** weight
        x, y = _halved(x), _halved(y)
    luminance, structure = similarity(x, y)
    total = total * (luminance * structure).mean(dim=(2, 3)).clamp_min(0) ** coarsest
    return total.mean(dim=1)


def _halved(image: Tensor) -> Tensor:
    """Average blocks of 2x2 pixels."""
    height, width = image.shape[-2:]
    return functional.avg_pool2d(functional.pad(image, (0, width % 2, 0, height % 2), mode="replicate"), 2)


METRIC = Metric(ms_ssim, title="MS-SSIM", unit="", decimals=4, better="higher", smallest=PYRAMID_SMALLEST)
