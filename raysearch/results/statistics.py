"""Numbers with their uncertainty: means, differences of two configurations, correlations, several comparisons at once.

**A difference of two configurations** is measured on the same images, each configuration trained with a few seeds. Where both
have the same seeds (the confirmation draws them once, for all), the analysis is paired over images and seeds: the difference of A
and B on image i after training with seed s is ``difference + image_i + seed_s + rest_si``, the last three random, since A may be
better on one kind of photograph only, or profit from one initialisation. From the mean squares of this two-way table, the
variances of the three effects are estimated (a negative one is set to zero, and its mean square is pooled or left out), and from
them the variance of the mean difference. The interval is a t interval with Satterthwaite's degrees of freedom; p comes from the
same t.

Where the seeds are different ones, they are independent, and three squared standard errors are added: of the per-image
differences of seed means, of A's means over images by seed, and of B's. The residual is then counted twice (once too often).

Coverage of the nominal 95 % interval, least to greatest over seven mixtures of the three effects, on 20,000 normal data sets
each (the bootstrap on 600, with independent seeds; ``tests/results/test_statistics.py`` keeps a shorter form):

=================  =============  =================  ==================  ==================
images x seeds     paired         independent seeds  crossed bootstrap   images only (t)
=================  =============  =================  ==================  ==================
3 x 3 (default)    0.95 to 0.98   0.94 to 0.99       0.75 to 0.97        0.13 to 0.95
3 x 5              0.94 to 0.98   0.93 to 0.99       0.73 to 0.99        0.16 to 0.95
12 x 3             0.93 to 0.98   0.95 to 0.99       0.78 to 0.99        0.04 to 0.95
68 x 5             0.94 to 0.97   0.95 to 0.99       0.85 to 1.00        0.02 to 0.95
=================  =============  =================  ==================  ==================

The percentile bootstrap over images and seeds, the usual choice, is far too narrow with three of each, and so is an interval that
forgets the seeds; neither is offered. No permutation test is either: three images allow no p below 0.25.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from raysearch.results.mean_error import Error, crossed_error, independent_error
from raysearch.results.standardised import Standardised, standardised

Values = NDArray[np.float64]
SeedLists = tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True)
class Interval:
    """A mean and where it may lie.

    Attributes:
        mean: of the values.
        low: lower end; nan with a single value.
        high: upper end; nan with a single value.
        deviation: standard deviation of the values (n - 1); nan with a single value.
        n: how many values.
    """

    mean: float
    low: float
    high: float
    deviation: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """The difference of configuration A and configuration B, A minus B.

    Attributes:
        difference: mean over images of the difference of the means over seeds, in the unit of the metric.
        low: lower end of the interval; nan when neither images nor seeds are more than one.
        high: upper end; nan as above.
        p: two-sided; the chance of a difference at least as large if there were none; nan as above.
        effect: Cohen's d over images: the difference over the standard deviation of the per-image differences, with an interval
            that belongs to p; nan for one image or when all differ by the same.
        error: standard error of the difference; nan as above, and zero when nothing varies.
        freedom: degrees of freedom of the t distribution; infinite when nothing varies; nan as above.
        n_images: images compared.
        n_seeds: trainings of A and of B.
        wins: images on which A is higher than B.
        covers: what the interval accounts for: ``images and seeds``, or less when there is only one of a kind.
        paired: whether both have the same seeds, so that the differences are paired over seeds too.
        identical: whether both gave the very same values with every seed: the two trainings did the same.
    """

    difference: float
    low: float
    high: float
    p: float
    effect: Standardised
    error: float
    freedom: float
    n_images: int
    n_seeds: tuple[int, int]
    wins: int
    covers: Literal["images and seeds", "images", "seeds", "nothing"]
    paired: bool
    identical: bool

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation.

    Attributes:
        rho: in [-1, 1]; nan when one side is constant or fewer than two pairs are there.
        low: lower end of the interval (Fisher's z, variance of Bonett and Wright, Psychometrika 2000); nan below four pairs.
        high: upper end; nan as above.
        p: two-sided, by the t approximation; nan below three pairs.
        n: pairs.
    """

    rho: float
    low: float
    high: float
    p: float
    n: int


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Return the mean of a sample (one value per seed, or per image) with its t interval.

    Raises:
        ValueError: there is no value, or one isn't finite.
    """
    sample = _finite(values, 1)
    mean, n = float(sample.mean()), sample.size
    if n == 1:
        return Interval(mean, math.nan, math.nan, math.nan, 1)
    deviation = float(sample.std(ddof=1))
    half = _quantile(n - 1, confidence) * deviation / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, deviation, n)


def paired_difference(a: ArrayLike, b: ArrayLike, confidence: float = 0.95, *, seeds: SeedLists | None = None) -> Comparison:
    """Compare two configurations on the same images; the models and their coverage stand at the top of this file.

    Args:
        a: values of A, (seeds of A, images), in the unit of the metric.
        b: values of B, (seeds of B, images), images in the same order.
        confidence: of the interval.
        seeds: of the rows of ``a`` and ``b``. If both name the same ones, in any order, the comparison is paired over seeds; if
            they differ, or without them, the seeds are taken as independent.

    Raises:
        ValueError: the images differ in number, an array is empty, a value isn't finite (the PSNR of a perfect copy), or the
            number of seeds is not that of the rows.
    """
    first, second = _finite(a, 2), _finite(b, 2)
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"A has {first.shape[1]} images and B {second.shape[1]}; both need the same ones")
    pairs = _paired_rows(first, second, seeds)
    by_image = first.mean(axis=0) - second.mean(axis=0) if pairs is None else pairs.mean(axis=0)
    difference = float(by_image.mean())
    error = independent_error(first, second) if pairs is None else crossed_error(pairs)
    low, high, p, freedom = _t_interval(difference, error, confidence)
    off = math.nan if error is None else 0.0 if math.isinf(freedom) else math.sqrt(error[0])
    return Comparison(
        difference=difference,
        low=low,
        high=high,
        p=p,
        effect=standardised(difference, _spread(by_image), off, freedom, confidence),
        error=off,
        freedom=freedom,
        n_images=by_image.size,
        n_seeds=(len(first), len(second)),
        wins=int((by_image > 0).sum()),
        covers=_covers(by_image.size > 1, max(len(first), len(second)) > 1),
        paired=pairs is not None,
        identical=pairs is not None and not pairs.any(),
    )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjust the p values of several comparisons so that all of them together err with the stated chance (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return tuple(adjusted)


def spearman(x: ArrayLike, y: ArrayLike, confidence: float = 0.95) -> Correlation:
    """Return the rank correlation of two equally long samples; ties get mean ranks.

    Raises:
        ValueError: the lengths differ, or a value isn't finite.
    """
    first, second = _finite(x, 1), _finite(y, 1)
    n = first.size
    if n != second.size:
        raise ValueError(f"x has {n} values and y {second.size}")
    ranks = np.stack([_ranks(first), _ranks(second)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    scale = math.sqrt(float((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    if n < 2 or scale == 0:
        return Correlation(math.nan, math.nan, math.nan, math.nan, n)
    rho = min(1.0, max(-1.0, float((ranks[0] * ranks[1]).sum()) / scale))
    if abs(rho) > 1 - 1e-12:
        rho = math.copysign(1.0, rho)
    low, high = _fisher(rho, n, confidence)
    return Correlation(rho, low, high, _p_of_rho(rho, n), n)


def _finite(values: ArrayLike, dimensions: int) -> Values:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != dimensions or array.size == 0:
        raise ValueError(f"needs a non-empty array with {dimensions} dimension(s), not one of shape {array.shape}")
    if not np.isfinite(array).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"the value at {place} is {array[place]}: no interval can hold it")
    return array


def _paired_rows(first: Values, second: Values, seeds: SeedLists | None) -> Values | None:
    """Return the differences (seeds, images) by seed; None where the seeds are not the same."""
    if seeds is None:
        return None
    ours, theirs = list(seeds[0]), list(seeds[1])
    if (len(ours), len(theirs)) != (len(first), len(second)):
        raise ValueError(f"{len(ours)} and {len(theirs)} seeds are named for {len(first)} and {len(second)} rows")
    if len(set(ours)) != len(ours) or sorted(ours) != sorted(theirs):
        return None
    return first[np.argsort(ours)] - second[np.argsort(theirs)]


def _t_interval(difference: float, error: Error | None, confidence: float) -> tuple[float, float, float, float]:
    if error is None:
        return math.nan, math.nan, math.nan, math.nan
    total, freedom = error
    if total <= (1e-12 * abs(difference)) ** 2:
        return difference, difference, 1.0 if difference == 0 else 0.0, math.inf
    half = _quantile(freedom, confidence) * math.sqrt(total)
    p = 2 * float(special.stdtr(freedom, -abs(difference) / math.sqrt(total)))
    return difference - half, difference + half, p, freedom


def _quantile(freedom: float, confidence: float) -> float:
    return float(special.stdtrit(freedom, 0.5 + confidence / 2))


def _spread(by_image: Values) -> float:
    return math.nan if by_image.size < 2 or np.ptp(by_image) == 0 else float(by_image.std(ddof=1))


def _covers(images: bool, seeds: bool) -> Literal["images and seeds", "images", "seeds", "nothing"]:
    if images and seeds:
        return "images and seeds"
    return "images" if images else "seeds" if seeds else "nothing"


def _ranks(values: Values) -> Values:
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Values = (last - (counts - 1) / 2)[group]
    return ranks


def _fisher(rho: float, n: int, confidence: float) -> tuple[float, float]:
    if n < 4:
        return math.nan, math.nan
    if abs(rho) == 1:
        return rho, rho
    half = float(special.ndtri(0.5 + confidence / 2)) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)


def _p_of_rho(rho: float, n: int) -> float:
    if n < 3:
        return math.nan
    if abs(rho) == 1:
        return 0.0
    t = rho * math.sqrt((n - 2) / (1 - rho**2))
    return 2 * float(special.stdtr(n - 2, -abs(t)))
