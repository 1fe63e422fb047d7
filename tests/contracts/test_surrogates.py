"""What holds for every surrogate of `raysearch bench search`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from raysearch.component import names
from raysearch.search.contest import surrogate_of
from raysearch.spec.domains import Leaf

SURROGATES = [*names("raysearch.search.surrogates"), "tabulated:Denoise", "tabulated:Jpeg", "tabulated:SuperResolution"]


class Dice:
    """Draws values at random."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self._random.integers(low, high + 1))

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        return math.exp(self._random.uniform(math.log(low), math.log(high))) if log else float(self._random.uniform(low, high))

    def suggest_categorical(self, name: str, choices: Sequence[Leaf]) -> Any:
        return choices[self._random.integers(len(choices))]


@pytest.mark.parametrize("name", SURROGATES)
def test_answers_are_a_function_of_values_and_seed(name: str) -> None:
    surrogate, dice = surrogate_of(name), Dice(1)
    for seed in range(20):
        values = surrogate.space.sample(dice)
        first, again = surrogate.course(values, seed), surrogate_of(name).course(dict(values), seed)
        assert np.array_equal(first.values, again.values, equal_nan=True)
        assert (first.seconds, first.second) == (again.seconds, again.second)


@pytest.mark.parametrize("name", SURROGATES)
def test_curves_are_whole_and_end_near_the_truth(name: str) -> None:
    surrogate, dice = surrogate_of(name), Dice(2)
    ended = 0
    for seed in range(200):
        course = surrogate.course(surrogate.space.sample(dice), seed)
        assert course.values.shape == (surrogate.rungs,)
        assert course.seconds > 0
        finite = np.isfinite(course.values)
        assert not np.any(finite[1:] & ~finite[:-1]), "what has diverged stays so"
        assert math.isnan(course.truth) == (not finite[-1])
        if finite[-1]:
            ended += 1
            assert abs(course.values[-1] - course.truth) < 0.2
    assert ended > 80, "most configurations have a value"


@pytest.mark.parametrize(
    ("name", "ranks"), [("restoration", (0.78, 0.92, 0.99)), ("crossing", (0.57, 0.82, 0.97)), ("trap", (0.37, 0.66, 0.93))]
)
def test_the_formulas_are_calibrated_as_they_say(name: str, ranks: tuple[float, ...]) -> None:
    """Quantiles of random configurations, and the rank correlation of rungs 1, 3 and 9 with the last."""
    surrogate, dice = surrogate_of(name), Dice(3)
    curves = np.array([surrogate.course(surrogate.space.sample(dice), seed).values for seed in range(3000)])
    np.testing.assert_allclose(np.quantile(curves[:, -1], [0.5, 0.9, 0.99]), [28.1, 30.45, 31.4], atol=0.25)
    order = curves.argsort(axis=0).argsort(axis=0)
    found = [float(np.corrcoef(order[:, rung], order[:, -1])[0, 1]) for rung in (0, 2, 8)]
    np.testing.assert_allclose(found, ranks, atol=0.04)


def test_a_third_of_the_cliffs_has_no_value_and_the_optimum_has() -> None:
    surrogate, dice = surrogate_of("cliffs"), Dice(4)
    lost = [math.isnan(surrogate.course(surrogate.space.sample(dice), 0).truth) for _ in range(1000)]
    assert 0.25 < np.mean(lost) < 0.45
    best = {
        "lr": 10**-3.3,
        "patch": 64,
        "batch": 8,
        "temperature": 2.0,
        "keep": 0.6,
        "sampler": "patchnet",
        "loss": "l1",
        "width": 64,
    }
    assert surrogate.course(best, 0).truth > 32.3


def test_the_table_is_whole_small_and_its_optimum_is_zero() -> None:
    from raysearch.search.surrogates.tabulated import FILE

    assert FILE.stat().st_size < 2 * 2**20
    for name in ("tabulated", "tabulated:Denoise", "tabulated:Jpeg", "tabulated:SuperResolution"):
        surrogate = surrogate_of(name)
        truths = [surrogate.course(values, 0).truth for values in surrogate.space.grid()]
        assert len(truths) == 216
        assert np.nanmax(truths) == 0
