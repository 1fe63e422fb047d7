"""Standardised differences: how large a difference is beside its spread, with the interval that belongs to its t test.

Cohen's d is the difference over a standard deviation. With t the difference over its standard error, d is t times a constant, and
the interval of t's noncentrality (the one that makes the observed t the 97.5 % or the 2.5 % point of a noncentral t distribution;
Steiger and Fouladi 1997) times the same constant is that of d. It excludes zero when the interval of the difference does. For
matched pairs and for one seed it is exact; where the standard error is pieced together from photographs and seeds, it is as good as
the degrees of freedom by Satterthwaite are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

_NORMAL = 1e6
"""Degrees of freedom from which on t is taken for normal."""


@dataclass(frozen=True)
class Standardised:
    """Cohen's d.

    Attributes:
        d: the difference over the standard deviation; nan where there is none.
        low: lower end of its interval; nan where there is none.
        high: upper end; nan as above.
    """

    d: float
    low: float
    high: float


def standardised(difference: float, spread: float, error: float, freedom: float, confidence: float = 0.95) -> Standardised:
    """Return a difference in units of its spread.

    Args:
        difference: in the unit of the metric.
        spread: the standard deviation that it is measured by; nan or zero for none.
        error: standard error of the difference; nan or zero for none.
        freedom: degrees of freedom of the error.
        confidence: of the interval.
    """
    if not spread > 0:
        return Standardised(math.nan, math.nan, math.nan)
    d = difference / spread
    if not (error > 0 and freedom > 0):
        return Standardised(d, math.nan, math.nan)
    low, high = noncentrality(difference / error, freedom, confidence)
    return Standardised(d, low * error / spread, high * error / spread)


def noncentrality(t: float, freedom: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of the noncentrality of a t distribution of which ``t`` was drawn."""
    above = 0.5 + confidence / 2
    if freedom >= _NORMAL:
        half = float(special.ndtri(above))
        return t - half, t + half
    return float(special.nctdtrinc(freedom, above, t)), float(special.nctdtrinc(freedom, 1 - above, t))
