"""Numbers with their uncertainty: means, differences of two configurations, correlations, several comparisons at once.

**A difference of two configurations** is measured on the same images, each configuration trained with a few seeds. Its model:
the value of configuration A on image i after training with seed s is ``A + image_i + seed_s + rest_is``, all three random, and
the difference of A and B has an image effect of its own (A may be better on one kind of photograph only). Three things then make
the mean difference uncertain, and their squared standard errors are added:

- the images: variance of the per-image differences of seed means, over the number of images;
- the seeds of A: variance of A's means over images by seed, over the number of seeds; and the same for B.

Each has few degrees of freedom, so the interval is a t interval with Satterthwaite's combination of them, and p comes from the
same t. The residual is counted twice (once too often), which makes the interval wider than 95 % where the residual dominates.
Seeds of A and B are treated as independent even if their numbers are equal; if equal seeds help both, the interval is too wide.

Coverage of the nominal 95 % interval, least to greatest over seven mixtures of the three effects, on 20,000 normal data sets
each (the bootstrap on 600; ``tests/results/test_statistics.py`` keeps a shorter form):

=================  =============  ==================  ==================
images x seeds     this interval  crossed bootstrap   images only (t)
=================  =============  ==================  ==================
3 x 3 (default)    0.94 to 0.99   0.75 to 0.97        0.13 to 0.95
3 x 5              0.93 to 0.99   0.73 to 0.99        0.16 to 0.95
12 x 3             0.95 to 0.99   0.78 to 0.99        0.04 to 0.95
68 x 5             0.95 to 0.99   0.85 to 1.00        0.02 to 0.95
=================  =============  ==================  ==================

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

Values = NDArray[np.float64]


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
        effect: Cohen's d over images: the difference over the standard deviation of the per-image differences; nan for one image
            or when all differ by the same.
        freedom: degrees of freedom of the t distribution; infinite when nothing varies; nan as above.
        n_images: images compared.
        n_seeds: trainings of A and of B.
        wins: images on which A is higher than B.
        covers: what the interval accounts for: ``images and seeds``, or less when there is only one of a kind.
    """

    difference: float
    low: float
    high: float
    p: float
    effect: float
    freedom: float
    n_images: int
    n_seeds: tuple[int, int]
    wins: int
    covers: Literal["images and seeds", "images", "seeds", "nothing"]

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


def paired_difference(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Compare two configurations on the same images; the model and its coverage stand at the top of this file.

    Args:
        a: values of A, (seeds of A, images), in the unit of the metric.
        b: values of B, (seeds of B, images), images in the same order.
        confidence: of the interval.

    Raises:
        ValueError: the images differ in number, an array is empty, or a value isn't finite (the PSNR of a perfect copy).
    """
    first, second = _finite(a, 2), _finite(b, 2)
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"A has {first.shape[1]} images and B {second.shape[1]}; both need the same ones")
    by_image = first.mean(axis=0) - second.mean(axis=0)
    parts = [_squared_error(by_image), _squared_error(first.mean(axis=1)), _squared_error(second.mean(axis=1))]
    known = [part for part in parts if part is not None]
    difference = float(by_image.mean())
    low, high, p, freedom = _t_interval(difference, known, confidence)
    return Comparison(
        difference=difference,
        low=low,
        high=high,
        p=p,
        effect=_effect(by_image),
        freedom=freedom,
        n_images=by_image.size,
        n_seeds=(len(first), len(second)),
        wins=int((by_image > 0).sum()),
        covers=_covers(parts[0] is not None, parts[1] is not None or parts[2] is not None),
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


def _squared_error(means: Values) -> tuple[float, int] | None:
    """Return the squared standard error of a mean and its degrees of freedom; None for a single value."""
    return None if means.size < 2 else (float(means.var(ddof=1)) / means.size, means.size - 1)


def _t_interval(difference: float, parts: Sequence[tuple[float, int]], confidence: float) -> tuple[float, float, float, float]:
    if not parts:
        return math.nan, math.nan, math.nan, math.nan
    total = sum(square for square, _ in parts)
    if total <= (1e-12 * abs(difference)) ** 2:
        return difference, difference, 1.0 if difference == 0 else 0.0, math.inf
    freedom = 1 / sum((square / total) ** 2 / freedom for square, freedom in parts)
    half = _quantile(freedom, confidence) * math.sqrt(total)
    p = 2 * float(special.stdtr(freedom, -abs(difference) / math.sqrt(total)))
    return difference - half, difference + half, p, freedom


def _quantile(freedom: float, confidence: float) -> float:
    return float(special.stdtrit(freedom, 0.5 + confidence / 2))


def _effect(by_image: Values) -> float:
    if by_image.size < 2 or np.ptp(by_image) == 0:
        return math.nan
    return float(by_image.mean() / by_image.std(ddof=1))


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
