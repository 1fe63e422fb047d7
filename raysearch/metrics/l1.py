"""Mean absolute error of images in [0, 1], over all pixels and channels.

Zhao, Gallo, Frosio, Kautz, "Loss functions for image restoration with neural networks", IEEE Trans. Computational Imaging 3(1),
2017, print 1000 times this value.
"""

from __future__ import annotations

from raysearch.metrics._apply import apply
from raysearch.metrics.base import Metric
from raysearch.metrics.protocol import Protocol
from raysearch.shapes import Image, Scores


def l1(restored: Image, clean: Image, protocol: Protocol) -> Scores:
    """Return the mean absolute error of every image, float64; NaN where a restored value is NaN.

    Args:
        restored: (b, c, h, w); clipped to [0, 1] unless the protocol says otherwise.
        clean: (b, c, h, w) in [0, 1].

    Raises:
        SpecError: the protocol does not fit the images.
    """
    first, second = apply(restored, clean, protocol, smallest=1)
    return (first - second).abs().mean(dim=(1, 2, 3))


METRIC = Metric(l1, title="L1", unit="", decimals=5, better="lower", smallest=1)
