"""Feature similarity of the luma: Zhang, Zhang, Mou, Zhang, "FSIM: a feature similarity index for image quality assessment", IEEE
Trans. Image Processing 20(8), 2011.

Phase congruency and Scharr gradients of the luma of YIQ on the 0..255 scale (from RGB in [0, 1]; an image of one channel is taken
as it is, and in the space ``rgb_each`` the three channels are, their values averaged), weighed by the larger phase congruency of
the two images. T1 = 0.85, T2 = 160. Images larger than 256 pixels on their shorter side are averaged over blocks first, as in the
authors' code."""

from __future__ import annotations

from raysearch.metrics._apply import apply
from raysearch.metrics._phase_congruency import SMALLEST, feature_similarity, reduced
from raysearch.metrics._yiq import per_image, planes
from raysearch.metrics.base import Metric
from raysearch.metrics.protocol import Protocol
from raysearch.shapes import Image, Scores


def fsim(restored: Image, clean: Image, protocol: Protocol) -> Scores:
    """Return the FSIM of every image, float64, at most 1; NaN where a restored value is NaN, and for an image without any feature.

    Args:
        restored: (b, c, h, w); clipped to [0, 1] unless the protocol says otherwise.
        clean: (b, c, h, w) in [0, 1].

    Raises:
        SpecError: the protocol does not fit the images, or they have less than 16 x 16 pixels.
    """
    first, second = (reduced(planes(v, protocol)) for v in apply(restored, clean, protocol, smallest=SMALLEST))
    similarity, weight = feature_similarity(first, second)
    return per_image((similarity * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3)), len(restored))


METRIC = Metric(fsim, title="FSIM", unit="", decimals=4, better="higher", smallest=SMALLEST)
