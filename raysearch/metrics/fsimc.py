"""Feature similarity with colour: FSIMc of Zhang, Zhang, Mou, Zhang, "FSIM: a feature similarity index for image quality
assessment", IEEE Trans. Image Processing 20(8), 2011.

FSIM (`raysearch.metrics.fsim`) of RGB images in [0, 1], times the similarity of the two colour differences of YIQ on the 0..255
scale (T3 = T4 = 200) to the power of 0.03. A negative similarity of colours counts with its size; the authors' code keeps the
real part of a complex power, which differs by less than 0.5 % at such a pixel.
"""

from __future__ import annotations

from raysearch.errors import SpecError
from raysearch.metrics._apply import apply
from raysearch.metrics._phase_congruency import SMALLEST, agreement, feature_similarity, reduced
from raysearch.metrics._yiq import colour, luma
from raysearch.metrics.base import Metric
from raysearch.metrics.protocol import Protocol
from raysearch.shapes import Image, Scores

_T3 = 200.0
_EXPONENT = 0.03


def fsimc(restored: Image, clean: Image, protocol: Protocol) -> Scores:
    """Return the FSIMc of every image, float64, at most 1; NaN where a restored value is NaN, and for an image without any feature.

    Args:
        restored: (b, 3, h, w); clipped to [0, 1] unless the protocol says otherwise.
        clean: (b, 3, h, w) in [0, 1].

    Raises:
        SpecError: the protocol keeps no colours or does not fit the images, or they have less than 16 x 16 pixels.
    """
    if protocol.space not in ("rgb", "rgb_each"):
        raise SpecError(
            f"metric 'fsimc' compares colours, and the protocol's space is {protocol.space!r}",
            place="evaluate.metrics",
            remedy="use fsim, or space: rgb",
        )
    first, second = apply(restored, clean, protocol, smallest=SMALLEST)
    similarity, weight = feature_similarity(reduced(luma(first)), reduced(luma(second)))
    for ours, theirs in zip(colour(first), colour(second), strict=True):
        similarity = similarity * agreement(reduced(ours), reduced(theirs), _T3).abs() ** _EXPONENT
    return (similarity * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))


METRIC = Metric(fsimc, title="FSIMc", unit="", decimals=4, better="higher", smallest=SMALLEST, colour=True)
