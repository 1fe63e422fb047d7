from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from raysearch.results.effects import independent_effect, paired_effect


@pytest.mark.parametrize("seed", range(4))
def test_against_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0.3, 0.5, 7), rng.normal(0, 0.2, 7)
    found, test = paired_effect(a, b), stats.ttest_rel(a, b)
    low, high = test.confidence_interval(0.95)
    assert (found.difference, found.low, found.high, found.p) == pytest.approx((np.mean(a - b), low, high, test.pvalue))
    assert (found.n, found.paired) == ((7, 7), True)
    found, test = independent_effect(a, b[:4], 0.9), stats.ttest_ind(a, b[:4], equal_var=False)
    low, high = test.confidence_interval(0.9)
    assert (found.difference, found.low, found.high, found.p) == pytest.approx((a.mean() - b[:4].mean(), low, high, test.pvalue))
    assert (found.n, found.paired) == ((7, 4), False)


@pytest.mark.parametrize(
    ("how", "a", "b"),
    [(paired_effect, [2.0], [1.0]), (independent_effect, [2.0], [1.0, 1.0]), (paired_effect, [2.0, 3.0], [1.0, 2.0])],
)
def test_without_spread_there_is_no_interval(how: object, a: list[float], b: list[float]) -> None:
    assert callable(how)
    found = how(a, b)
    assert found.difference == 1.0
    assert math.isnan(found.low)
    assert math.isnan(found.p)


@pytest.mark.parametrize(("a", "b"), [([1.0, 2.0], [1.0]), ([], []), ([math.inf], [1.0])])
def test_what_is_no_sample_is_refused(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match=r"pairs|finite"):
        paired_effect(a, b)
