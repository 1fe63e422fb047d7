"""Cohen's d and its interval against scipy's noncentral t, and how often the interval holds the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from raysearch.results.effects import independent_effect, paired_effect
from raysearch.results.standardised import Standardised, noncentrality, standardised
from raysearch.results.statistics import paired_difference


def chance_below(t: float, freedom: float, shift: float) -> float:
    """Of a noncentral t: over the chi distribution of its denominator."""
    ratios = np.sqrt(stats.chi2.ppf((np.arange(20_000) + 0.5) / 20_000, freedom) / freedom)
    return float(stats.norm.cdf(t * ratios - shift).mean())


@pytest.mark.parametrize("freedom", [1.0, 2.3, 7.0, 60.0])
@pytest.mark.parametrize("t", [-9.0, -0.4, 0.0, 2.5, 20.0])
def test_the_ends_of_the_noncentrality_give_the_chances_that_define_them(t: float, freedom: float) -> None:
    low, high = noncentrality(t, freedom)
    assert chance_below(t, freedom, low) == pytest.approx(0.975, abs=2e-4)
    assert chance_below(t, freedom, high) == pytest.approx(0.025, abs=2e-4)


def test_many_degrees_of_freedom_are_normal() -> None:
    assert noncentrality(1.0, math.inf) == pytest.approx((1 - 1.959964, 1 + 1.959964), abs=1e-5)


def test_pairs_have_the_exact_interval() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.6, 1, 12), rng.normal(0, 1, 12)
    test = stats.ttest_rel(a, b)
    low, high = noncentrality(float(test.statistic), 11)
    expected = (test.statistic / math.sqrt(12), low / math.sqrt(12), high / math.sqrt(12))
    for found in (paired_effect(a, b).effect, paired_difference(a[None], b[None]).effect):
        assert (found.d, found.low, found.high) == pytest.approx(expected)


def test_two_samples_are_measured_by_their_mean_variance() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(1, 1, 9), rng.normal(0, 2, 6)
    found = independent_effect(a, b)
    assert found.effect.d == pytest.approx((a.mean() - b.mean()) / math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2))


@pytest.mark.parametrize("shift", [0.0, 0.4, 3.0])
def test_it_excludes_zero_when_the_difference_does(shift: float) -> None:
    rng = np.random.default_rng(2)
    for _ in range(40):
        a, b = rng.normal(shift, 1, (3, 5)), rng.normal(0, 1, (3, 5))
        found = paired_difference(a, b, seeds=((1, 2, 3), (1, 2, 3)))
        assert (found.effect.low > 0 or found.effect.high < 0) == found.decided
        assert found.error == pytest.approx((found.high - found.low) / 2 / stats.t.ppf(0.975, found.freedom))


def test_the_interval_covers_the_truth() -> None:
    """95 % of 2,000 intervals, within four standard errors."""
    rng = np.random.default_rng(3)
    held = 0
    for values in rng.normal(0.8, 1, (2000, 8)):
        found = paired_effect(values, np.zeros(8)).effect
        held += found.low <= 0.8 <= found.high
    assert abs(held / 2000 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 2000)


def test_without_a_spread_there_is_none() -> None:
    nothing = standardised(1.0, math.nan, 0.1, 3.0)
    assert all(math.isnan(value) for value in (nothing.d, nothing.low, nothing.high))
    assert standardised(1.0, 0.5, math.nan, 3.0).d == 2.0
    same = paired_difference([[1.0, 1.0], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]], seeds=((1, 2), (1, 2)))
    assert same.error == 0
    assert isinstance(same.effect, Standardised)
    assert math.isnan(same.effect.d)
