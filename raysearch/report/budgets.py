"""Equal budgets: how far trials were trained, in steps, pixels or device seconds, and what they had reached by then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from raysearch.report import plain
from raysearch.report.formats import count, plural, seconds
from raysearch.results.record import ReportedPoint, TrialRecord

Budget = Literal["steps", "pixels", "seconds"]
BUDGETS: tuple[Budget, ...] = get_args(Budget)
NAMES: dict[Budget, str] = {"steps": "optimisation steps", "pixels": "pixels seen", "seconds": "device seconds"}

_METRICS: dict[Budget, str] = {"pixels": "pixels_seen", "seconds": "train_seconds"}
_SLACK: dict[Budget, float] = {"steps": 1.0, "pixels": 1.0, "seconds": 1.05}
"""Trainings whose lengths differ by no more than this factor are equally long: no two take the same time."""


def spent(point: ReportedPoint, budget: Budget) -> float | None:
    """Return what a training had spent at an evaluation; None where that is not recorded."""
    return float(point.step) if budget == "steps" else plain.number(point.metrics.get(_METRICS[budget]))


def length(trial: TrialRecord, budget: Budget) -> float | None:
    """Return what a training spent until its last evaluation."""
    return spent(trial.reports[-1], budget) if trial.reports else None


def usual(trials: Sequence[TrialRecord]) -> Budget:
    """Return the budget by which trials are compared: the pixels that they saw, or the steps where pixels are not recorded."""
    return "pixels" if all(length(trial, "pixels") is not None for trial in trials) else "steps"


def equal(lengths: Sequence[float], budget: Budget) -> bool:
    """Say whether trainings are equally long."""
    return max(lengths) <= _SLACK[budget] * min(lengths)


def reached(trial: TrialRecord, budget: Budget, limit: float, metric: str) -> float | None:
    """Return a validation value at the last evaluation within a budget; None if there is none."""
    within = [point for point in trial.reports if (at := spent(point, budget)) is not None and at <= limit * (1 + 1e-9)]
    return plain.number(within[-1].metrics.get(metric)) if within else None


def shown(amount: float, budget: Budget) -> str:
    """Print an amount."""
    if budget == "seconds":
        return seconds(amount)
    return f"{count(amount)} pixels" if budget == "pixels" else plural(round(amount), "step")
