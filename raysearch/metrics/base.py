"""What a metric is: a function of its file's name that compares restored images with clean ones under a protocol.

A file ``raysearch/metrics/gmsd.py`` holds the function ``gmsd(restored, clean, protocol)`` and its description `Metric` under the
name ``METRIC``; the file's name is the metric's name in YAML, in the tables and in the report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from raysearch import component
from raysearch.errors import SpecError
from raysearch.metrics.protocol import Protocol

if TYPE_CHECKING:
    from raysearch.shapes import Image, Scores

ALWAYS = ("psnr", "ssim")
"""Metrics that every evaluation computes."""


@dataclass(frozen=True)
class Metric:
    """A metric of restored images.

    Attributes:
        measure: called with restored images (b, c, h, w), clean ones (the same, in [0, 1]) and a protocol; returns (b,), float64 on
            the device of the images, NaN where a restored value is NaN.
        title: as in a table, e.g. ``MS-SSIM``.
        unit: ``dB`` or empty.
        decimals: digits after the point with which papers print it.
        better: which values are.
        smallest: least height and width that it needs after the protocol's crop, in pixels.
        colour: whether it compares colours, so that the protocol must keep three channels.
    """

    measure: Callable[[Image, Image, Protocol], Scores]
    title: str
    unit: str
    decimals: int
    better: Literal["higher", "lower"]
    smallest: int
    colour: bool = False


def metric(name: str) -> Metric:
    """Return a metric by its name.

    Raises:
        SpecError: there is no such file, or it lies outside the tree and imports were not allowed.
    """
    found = component.load("raysearch.metrics", name, "METRIC")
    if not isinstance(found, Metric):
        raise SpecError(f"metric {name!r}: its METRIC must be a raysearch.metrics.base.Metric")
    return found
