"""What a transfer is worth: a search on a problem that is like one that was searched before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from raysearch.results.record import RunRecord, TrialRecord
from raysearch.search.elsewhere import MISLEADING, RELATED, Elsewhere, handed_on
from raysearch.search.importing import transferred
from raysearch.search.methods import METHODS, StudyPolicy, scheduler_of, searcher_of
from raysearch.search.simulation import Policy, Simulated, simulate
from raysearch.search.surrogates.base import Surrogate
from raysearch.search.surrogates.restoration import Surface, Values, penalty

MOMENT = 8_000.0


def policy(surrogate: Surrogate, seed: int) -> Policy:
    return StudyPolicy(surrogate, searcher_of("tpe"), scheduler_of("asha"), seed)


def search(method: str, seed: int) -> Simulated:
    return simulate(Surface(), METHODS[method].policy(Surface(), seed), workers=4, seconds=MOMENT, seed=seed)


def gain(method: str) -> float:
    """Return how much better the incumbent is after 8,000 s, in dB, averaged over 6 searches."""
    return float(np.mean([search(method, seed).truth_at(MOMENT) - search("raysearch", seed).truth_at(MOMENT) for seed in range(6)]))


def test_the_best_of_a_related_problem_help_at_once() -> None:
    assert gain("raysearch-transfer") > 0.3


def test_those_of_a_misleading_problem_do_not_help() -> None:
    assert gain("raysearch-misled") < 0.1


def test_what_is_best_elsewhere_is_moved() -> None:
    """By the surface's own formula: the same configuration, moved back, is as good there as it is at home."""
    surface = Surface()
    values = surface.space.sample(Middle())
    lrs = np.geomspace(1e-6, 1e-1, 2001)
    for factors, ratio in ((RELATED, 2.0), (MISLEADING, 100.0)):
        there = Elsewhere(surface, factors)
        best = [
            lrs[int(np.argmax([place.course({**values, "lr": float(lr)}, 0).truth for lr in lrs]))] for place in (surface, there)
        ]
        assert best[0] / best[1] == pytest.approx(ratio, rel=0.01)
    related = Elsewhere(surface, RELATED)
    for patch in (32, 96):
        here = Values.of({**values, "lr": 2e-3, "patch": patch * 2**-0.7})
        assert related.course({**values, "lr": 1e-3, "patch": patch}, 0).truth == pytest.approx(32.5 - penalty(here, 0.9))


class Middle:
    """Draws what stands first, or the lower bound."""

    def suggest_float(self, name: str, low: float, high: float, **how: Any) -> float:
        return low

    def suggest_int(self, name: str, low: int, high: int, **how: Any) -> int:
        return low

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        return choices[0]


def test_the_comparison_hands_on_what_a_study_would() -> None:
    """Against `transferred`, which reads the record of a run and maps it into the space."""
    problem = Elsewhere(Surface(), RELATED)
    listening = Listening(policy(problem, 3))
    handed = handed_on(problem, listening, 3, seconds=12_000)
    trials = []
    for number, (values, value) in listening.finished.items():
        trials.append(
            TrialRecord(number, "search", "suggested", None, values, values, 0, 27, "finished", 27, value, 0, "", 0, {}, (), 0)
        )
    spec: dict[str, object] = {"objective": {"metric": "value", "mode": "max"}}
    record = RunRecord("old", "", spec, {}, tuple(trials), None, {}, 1, (), ())
    study: Any = SimpleNamespace(trial=problem.space)
    assert len(handed) == 5
    assert [dict(one) for one in handed] == [dict(one.values) for one in transferred(study, record)]


class Listening:
    """Notes what was finished."""

    def __init__(self, inner: Policy) -> None:
        self._inner = inner
        self._values: dict[int, dict[str, Any]] = {}
        self.finished: dict[int, tuple[dict[str, Any], float]] = {}

    def suggest(self, number: int) -> Any:
        found = self._inner.suggest(number)
        self._values[number] = dict(found or {})
        return found

    def report(self, number: int, step: int, values: tuple[float, ...]) -> bool:
        return self._inner.report(number, step, values)

    def tell(self, number: int, status: Any, values: tuple[float, ...] | None) -> None:
        self._inner.tell(number, status, values)
        if status == "finished" and values is not None:
            self.finished[number] = (self._values[number], values[0])
