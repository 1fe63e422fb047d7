"""Fronts, knees and hypervolumes against brute force and against Optuna."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from optuna._hypervolume import compute_hypervolume

from raysearch.results.goals import Goals
from raysearch.results.pareto import dominates, front, front_of, hypervolume, knee
from raysearch.results.record import ReportedPoint, TrialRecord


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_a_front_is_what_nothing_dominates(objectives: int) -> None:
    points = np.random.default_rng(objectives).integers(0, 6, (60, objectives)).astype(float)
    rows = [tuple(row) for row in points]
    expected = {row for row in rows if not any(dominates(other, row) for other in rows)}
    found = front(points)
    assert {rows[i] for i in found} == expected
    assert len(found) == len(expected), "of equal points one"
    assert all(rows.index(rows[i]) == i for i in found), "the first"


def test_there_are_fronts_of_nothing_and_of_one() -> None:
    assert front([]) == ()
    assert front([(1.0, 2.0)]) == (0,)
    with pytest.raises(ValueError, match="no knee"):
        knee([])


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_a_hypervolume_is_that_of_optuna_and_of_counted_cells(objectives: int, seed: int) -> None:
    rng = np.random.default_rng([objectives, seed])
    cells = rng.integers(0, 7, (12, objectives))
    counted = sum(
        any(all(c < p for c, p in zip(cell, point, strict=True)) for point in cells)
        for cell in itertools.product(range(7), repeat=objectives)
    )
    assert hypervolume(cells, np.zeros(objectives)) == counted
    points = rng.normal(size=(15, objectives))
    reference = np.full(objectives, -1.0)
    inside = points[(points > reference).all(axis=1)]
    assert hypervolume(points, reference) == pytest.approx(compute_hypervolume(-inside, -reference))


def test_the_knee_lies_farthest_beyond_the_extremes() -> None:
    assert knee([(10.0, -100.0), (9.0, -20.0), (8.5, -10.0), (0.0, 0.0)]) == 2
    assert knee([(10.0, -100.0), (0.0, 0.0)]) == 0, "two extremes: the headline decides"
    assert knee([(3.0, 1.0)]) == 0
    assert knee([(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.5, 0.5, 0.5)]) == 3


def record(number: int, psnr: float, macs: float, status: str = "finished", ended: float = 0.0) -> TrialRecord:
    reports = (ReportedPoint(10, {"psnr": psnr, "train_seconds": 36.0}, 0.0),)
    facts = {"macs_g": macs, "parameters": 5, "device": "cpu"}
    fields = ("search", "suggested", None, {}, {}, 0, 10, status, 10, psnr, 1.0, "", 0, facts, reports, 0.0, ended)
    return TrialRecord(number, *fields)  # type: ignore[arg-type]


GOALS = Goals.of(
    {
        "objectives": [{"metric": "psnr", "mode": "max", "constraints": ["macs_g <= 50"]}, {"metric": "macs_g", "mode": "min"}],
        "resources": {"workers": 2, "gpus_per_worker": 0.5},
    }
)


def test_the_front_of_a_run_holds_finished_trials_only() -> None:
    trials = [
        record(0, 30.0, 9.0, ended=4.0),
        record(1, 31.0, 20.0, ended=3.0),
        record(2, 29.0, 10.0, ended=2.0),
        record(3, 99.0, 1.0, "infeasible"),
        record(4, 99.0, 1.0, "stopped"),
        record(5, 28.0, 2.0, ended=5.0),
    ]
    found = front_of(trials, GOALS)
    assert found is not None
    assert [trial.number for trial in found.trials] == [1, 0, 5]
    assert found.trials[found.knee].number == 0
    assert [number for number, _ in found.volumes] == [2, 1, 0, 5]
    volumes = [volume for _, volume in found.volumes]
    assert volumes == sorted(volumes)
    assert volumes[-1] == pytest.approx(hypervolume([(1.0, 0.0), (2 / 3, 11 / 18), (0.0, 1.0)], (0.0, 0.0)))
    assert front_of(trials[3:5], GOALS) is None
    assert front_of(trials, Goals.one("psnr", "max")) is None


def test_goals_are_read_from_a_resolved_study() -> None:
    assert GOALS is not None
    assert [(goal.metric, goal.mode) for goal in GOALS.goals] == [("psnr", "max"), ("macs_g", "min")]
    assert GOALS.several
    assert GOALS.only_known == GOALS
    metrics, facts = {"psnr": 30.0, "train_seconds": 3600.0}, {"macs_g": 51, "device": "cpu"}
    assert GOALS.value("gpu_hours", metrics, facts) == 1.0
    assert GOALS.scores(metrics, facts) == (30.0, -51.0)
    assert GOALS.violated(metrics, facts) == "macs_g <= 50"
    assert GOALS.violated(metrics, {"macs_g": 50.0}) == ""
    assert GOALS.violated(metrics, {}) == "macs_g <= 50", "what can't be told does not hold"
    with pytest.raises(KeyError):
        GOALS.value("device", metrics, facts)
    assert Goals.of({"objective": {"metric": "psnr", "mode": "max"}}) == Goals.one("psnr", "max")
    assert Goals.of({}) is None
    assert Goals.of({"objectives": [3, {"metric": "psnr", "constraints": ["("]}]}) == Goals.one("psnr", "max")
