"""How numbers are printed: two decimals for a PSNR, four for an SSIM, a true minus sign, never a false digit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from raysearch.report import plain

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class Metric:
    """How a metric is named and printed.

    Attributes:
        name: as in the results, e.g. ``psnr``.
        title: as on the page.
        unit: ``dB`` or empty.
        decimals: after the point.
        larger_is_better: False for an error, and where the study minimises it.
    """

    name: str
    title: str
    unit: str
    decimals: int
    larger_is_better: bool = True

    def show(self, value: float | None) -> str:
        """Print a value without its unit."""
        return fixed(value, self.decimals)

    def difference(self, value: float | None) -> str:
        """Print a difference with its sign and unit."""
        return " ".join(part for part in (signed(value, self.decimals), self.unit) if part)

    def interval(self, low: float | None, high: float | None) -> str:
        """Print an interval of differences in brackets."""
        return f"[{signed(low, self.decimals)}, {signed(high, self.decimals)}]"

    @property
    def axis(self) -> str:
        """The label of an axis."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


PSNR = Metric("psnr", "PSNR", "dB", 2)
SSIM = Metric("ssim", "SSIM", "", 4)

_OTHERS = (
    Metric("ms_ssim", "MS-SSIM", "", 4),
    Metric("iw_ssim", "IW-SSIM", "", 4),
    Metric("gmsd", "GMSD", "", 4, larger_is_better=False),
    Metric("fsim", "FSIM", "", 4),
    Metric("fsimc", "FSIMc", "", 4),
    Metric("l1", "L1", "", 5, larger_is_better=False),
    Metric("l2", "L2", "", 6, larger_is_better=False),
)
METRICS = {metric.name: metric for metric in (PSNR, SSIM, *_OTHERS)}
"""The metrics of `raysearch.metrics`, which a report can't ask: it loads no torch."""


def metric_named(name: str) -> Metric:
    """Return a metric; one from outside raysearch is printed under its own name, and more of it is taken for better."""
    return METRICS.get(name) or Metric(name, plain.line(name, 40), "", 4)


def fixed(value: float | None, decimals: int) -> str:
    """Print with a fixed number of decimals; ∞ for a perfect copy, a dash for nothing."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    return f"{value:.{decimals}f}".replace("-", MINUS)


def signed(value: float | None, decimals: int) -> str:
    """Print with a sign; what rounds to zero has none."""
    text = fixed(value, decimals)
    if value is None or not math.isfinite(value):
        return text
    digits = text.lstrip(MINUS)
    if float(digits) == 0:
        return digits
    return text if value < 0 else f"+{text}"


def short(value: float | None) -> str:
    """Print a parameter or a statistic with three significant digits, small and large ones as powers of ten."""
    if value is None or not math.isfinite(value):
        return fixed(value, 2)
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value)}".replace("-", MINUS)
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}".replace("-", MINUS)
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}".replace("-", MINUS)


def probability(value: float | None) -> str:
    """Print a p value."""
    if value is None or not math.isfinite(value):
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


STARS = "* p < 0.05, ** p < 0.01, *** p < 0.001"
"""What `stars` mean."""


def said(p: float) -> str:
    """Print a p value with its name: ``p = 0.012``, ``p < 0.001``."""
    shown = probability(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def stars(p: float | None) -> str:
    """Print the significance mark of a p value, which was corrected for what it is one of."""
    if p is None or math.isnan(p):
        return ""
    return "***" if p < 0.001 else "**" if p < 0.01 else "*" if p < 0.05 else ""


def seconds(value: float | None) -> str:
    """Print a duration."""
    if value is None or not math.isfinite(value):
        return NONE
    if value < 100:
        return f"{value:.1f} s"
    if value < 6000:
        return f"{value / 60:.1f} min"
    return f"{value / 3600:.1f} h"


def count(value: float | None) -> str:
    """Print a count of things: 1,234 or 1.23 M."""
    if value is None or not math.isfinite(value):
        return NONE
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value:,.0f}"


def plural(number: int, noun: str) -> str:
    """Print a number with its noun: ``1 seed``, ``3 seeds``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
