"""Differences between two groups of trainings: matched pairs, or two independent samples (Welch 1947)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from raysearch.results.standardised import Standardised, standardised


@dataclass(frozen=True)
class Effect:
    """The mean of one group minus that of another.

    Attributes:
        difference: in the unit of the values.
        low: lower end of the t interval; nan where there are too few values for one.
        high: upper end; nan as above.
        p: two-sided; nan as above.
        effect: Cohen's d: the difference over the standard deviation of the differences of pairs, or over the root of the mean
            variance of two samples.
        n: values of each group; of pairs, the number of pairs twice.
        paired: whether it is the mean of differences within pairs.
    """

    difference: float
    low: float
    high: float
    p: float
    effect: Standardised
    n: tuple[int, int]
    paired: bool


def paired_effect(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Effect:
    """Compare values that belong together, pair by pair.

    Raises:
        ValueError: the lengths differ, there is no pair, or a value isn't finite.
    """
    first, second = _finite(a), _finite(b)
    if first.size != second.size:
        raise ValueError(f"{first.size} and {second.size} values are no pairs")
    differences = first - second
    n = differences.size
    spread = float(differences.std(ddof=1)) if n > 1 else math.nan
    return _effect(float(differences.mean()), spread, spread**2 / n, n - 1.0, confidence, (n, n), paired=True)


def independent_effect(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Effect:
    """Compare two samples, whatever their variances.

    Raises:
        ValueError: a sample is empty, or a value isn't finite.
    """
    first, second = _finite(a), _finite(b)
    sizes = (first.size, second.size)
    difference = float(first.mean() - second.mean())
    if min(sizes) < 2:
        return _effect(difference, math.nan, math.nan, math.nan, confidence, sizes, paired=False)
    variances = [float(sample.var(ddof=1)) for sample in (first, second)]
    squares = [variance / n for variance, n in zip(variances, sizes, strict=True)]
    below = sum(square**2 / (n - 1) for square, n in zip(squares, sizes, strict=True))
    freedom = sum(squares) ** 2 / below if below > 0 else math.nan
    return _effect(difference, math.sqrt(sum(variances) / 2), sum(squares), freedom, confidence, sizes, paired=False)


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError("needs a list of finite numbers, one at least")
    return array


def _effect(
    difference: float, spread: float, square: float, freedom: float, confidence: float, n: tuple[int, int], *, paired: bool
) -> Effect:
    """Return the t interval around a difference with a squared standard error; none where that is nan or zero."""
    if not square > 0:
        return Effect(difference, math.nan, math.nan, math.nan, standardised(difference, math.nan, 0.0, freedom), n, paired)
    error = math.sqrt(square)
    half = float(special.stdtrit(freedom, 0.5 + confidence / 2)) * error
    p = 2 * float(special.stdtr(freedom, -abs(difference) / error))
    d = standardised(difference, spread, error, freedom, confidence)
    return Effect(difference, difference - half, difference + half, p, d, n, paired)
