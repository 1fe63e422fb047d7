"""Peak signal-to-noise ratio: ``10 log10(1 / MSE)`` in dB for images in [0, 1].

There is one mean squared error for an image, over all its pixels and channels, as the restoration papers compute it (not a mean
of the channels' PSNRs). Equal to `skimage.metrics.peak_signal_noise_ratio` with a data range of 1.
"""

from __future__ import annotations

import torch

from raysearch.metrics._apply import apply
from raysearch.metrics.base import Metric
from raysearch.metrics.protocol import Protocol
from raysearch.shapes import Image, Scores


def psnr(restored: Image, clean: Image, protocol: Protocol) -> Scores:
    """Return the PSNR of every image, in dB, float64; infinite for a perfect copy, NaN where a restored value is NaN.

    Args:
        restored: (b, c, h, w); clipped to [0, 1] unless the protocol says otherwise.
        clean: (b, c, h, w) in [0, 1].

    Raises:
        SpecError: the protocol does not fit the images; see `raysearch.metrics.protocol`.
    """
    first, second = apply(restored, clean, protocol, smallest=1)
    error = (first - second).square().mean(dim=(1, 2, 3))
    return -10 * torch.log10(error)


METRIC = Metric(psnr, title="PSNR", unit="dB", decimals=2, better="higher", smallest=1)
