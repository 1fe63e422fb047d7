"""What a transfer is worth: a search on a problem that is like one that was searched before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from raysearch.results.record import RunRecord, TrialRecord
from raysearch.search.importing import transferred
from raysearch.search.methods import StudyPolicy, scheduler_of, searcher_of
from raysearch.search.simulation import Simulated, simulate
from raysearch.search.surrogates.base import Course, Surrogate
from raysearch.search.surrogates.restoration import Surface

WORKERS = 4
MOMENT = 8_000.0


class Related(Surface):
    """Another network and task: larger patches are best, and half the learning rate."""

    best_patch: ClassVar[float] = 1.6

    def course(self, values: Any, seed: int) -> Course:
        return super().course({**values, "lr": 2 * values["lr"]}, seed)


def search(surrogate: Surrogate, seed: int, seconds: float, published: Any = ()) -> Simulated:
    policy = StudyPolicy(surrogate, searcher_of("tpe"), scheduler_of("asha"), seed, published)
    return simulate(surrogate, policy, workers=WORKERS, seconds=seconds, seed=seed)


def best_of(surrogate: Surrogate, seed: int) -> list[dict[str, Any]]:
    """Return what a search on another problem hands on."""
    trials = []
    for one in search(surrogate, seed, 20_000).trials:
        if one.status is not None:
            value = float(one.course.values[one.step - 1])
            values = dict(one.values)
            trials.append(
                TrialRecord(
                    one.number, "search", "suggested", None, values, values, 0, 27, one.status, one.step, value, 0, "", 0, {}, (), 0
                )
            )
    spec: dict[str, object] = {"objective": {"metric": "value", "mode": "max"}}
    record = RunRecord("old", "", spec, {}, tuple(trials), None, {}, 1, (), ())
    study: Any = SimpleNamespace(trial=Surface().space)
    return [one.values for one in transferred(study, record)]


def test_the_best_of_a_related_problem_help_at_once() -> None:
    gains = []
    for seed in range(6):
        published = best_of(Related(), 100 + seed)
        plain, helped = search(Surface(), seed, MOMENT), search(Surface(), seed, MOMENT, published)
        gains.append(helped.truth_at(MOMENT) - plain.truth_at(MOMENT))
    assert np.mean(gains) > 0.3, gains
