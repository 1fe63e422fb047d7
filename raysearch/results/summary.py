"""A run in a few numbers: what ``ls``, ``show`` and ``watch`` print."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from raysearch.results.events import Status
from raysearch.results.goals import Goals
from raysearch.results.notices import notices
from raysearch.results.pareto import front_of
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.replay import BASELINE, FORMER

State = Literal["running", "done", "interrupted", "failed", "damaged"]
Ended = Status | Literal["running", "unfinished"]


@dataclass(frozen=True)
class Best:
    """The best trial of the search so far.

    Attributes:
        trial: its number.
        value: the objective.
        step: optimisation steps after which it was measured.
        finished: False while no trial has finished: then this is the best last evaluation of any trial, at whatever step.
    """

    trial: int
    value: float
    step: int
    finished: bool


@dataclass(frozen=True)
class Confirmed:
    """What the search's winner reached in the confirmation: the value to quote, since a search's best is selected for its luck.

    Attributes:
        trial: the search trial whose configuration was trained again.
        value: the objective on the test photographs, mean over seeds.
        seeds: how many fresh seeds.
        baseline: the same of the baseline, mean over its seeds; None without one.
    """

    trial: int | None
    value: float
    seeds: int
    baseline: float | None


@dataclass(frozen=True)
class Failure:
    """Trials that ended badly for the same cause.

    Attributes:
        status: ``failed``, ``diverged``, ``out_of_memory``, ``stalled`` or ``infeasible``.
        reason: the cause, one line.
        trials: their numbers, ascending.
    """

    status: Status
    reason: str
    trials: tuple[int, ...]


@dataclass(frozen=True)
class RunSummary:
    """A run in a few numbers.

    Attributes:
        name: the run's name.
        state: ``running`` while a driver holds it; ``damaged`` when its journal is (see `RunRecord.damaged`); ``done``;
            ``failed`` when the driver left with an error; else ``interrupted``, and ``raysearch resume`` goes on with it.
        metric: the objective, e.g. ``psnr``; when the study can't be read, ``psnr`` if trials report it, else empty.
        mode: ``max`` or ``min``.
        counts: trials by status, over both phases, without zeros; those without an end are ``running`` while a driver holds the
            run, else ``unfinished``.
        planned: trials of the search and of the confirmation; None when the study sets no number.
        ended: trials that have ended.
        best: see `Best`; None without any evaluation.
        confirmed: see `Confirmed`; None until a trial of the winner's confirmation has finished.
        seconds: training and evaluation time, summed over the trials that ran here.
        gpu_hours: GPUs of a trial times its hours, summed.
        wall_seconds: from the first event to the last one, less the time during which no driver worked.
        eta_seconds: a guess of the time left, by the pace of this run so far; None while nothing has ended, when no number of
            trials is planned, or when the run is not running.
        failures: by cause, the most frequent first.
        front: with several objectives the trials on the Pareto front, the best by the first objective first; else empty.
        knee: the trial at the front's knee, see `raysearch.results.pareto.knee`; None without a front.
        notices: what looks wrong with the search, see `raysearch.results.notices`.
        missing: see `RunRecord.missing`.
    """

    name: str
    state: State
    metric: str
    mode: Literal["max", "min"]
    counts: dict[Ended, int]
    planned: int | None
    ended: int
    best: Best | None
    confirmed: Confirmed | None
    seconds: float
    gpu_hours: float
    wall_seconds: float
    eta_seconds: float | None
    failures: tuple[Failure, ...]
    front: tuple[int, ...]
    knee: int | None
    notices: tuple[str, ...]
    missing: tuple[str, ...]


def summary(record: RunRecord) -> RunSummary:
    """Return a run in a few numbers; works on damaged runs too."""
    objective = _part(record.spec, "objective")
    metric, mode = _metric(record, objective), objective.get("mode")
    state = _state(record)
    planned = _planned(record)
    front = front_of(record.trials, Goals.of(record.spec))
    seconds = math.fsum(trial.seconds for trial in record.trials if not trial.origin)
    return RunSummary(
        name=record.name,
        state=state,
        metric=metric,
        mode="min" if mode == "min" else "max",
        counts=dict(Counter[Ended](trial.status or ("running" if record.holder else "unfinished") for trial in record.trials)),
        planned=planned,
        ended=sum(trial.status is not None for trial in record.trials),
        best=best_of(record.trials, metric, "min" if mode == "min" else "max"),
        confirmed=confirmed_of(record.trials),
        seconds=seconds,
        gpu_hours=seconds / 3600 * _gpus(record),
        wall_seconds=max(0.0, record.updated - record.began - record.breaks),
        eta_seconds=_eta(record, planned) if state == "running" else None,
        failures=failures_of(record.trials),
        front=() if front is None else tuple(trial.number for trial in front.trials),
        knee=None if front is None else front.trials[front.knee].number,
        notices=notices(record.trials),
        missing=record.missing,
    )


def best_of(trials: Sequence[TrialRecord], metric: str, mode: Literal["max", "min"]) -> Best | None:
    """Return the best finished trial of the search; while there is none, the best last evaluation of a trial that did not fail.

    Of equal ones the first by number is taken.
    """
    search = [trial for trial in trials if trial.phase == "search"]
    found = [
        Best(trial.number, trial.value, trial.step, True)
        for trial in search
        if trial.status == "finished" and trial.value is not None
    ]
    if not found:
        found = [
            Best(trial.number, trial.reports[-1].metrics[metric], trial.reports[-1].step, False)
            for trial in search
            if trial.status in (None, "stopped") and trial.reports and metric in trial.reports[-1].metrics
        ]
    sign = 1 if mode == "max" else -1
    return max(found, key=lambda best: (sign * best.value, -best.trial), default=None)


def confirmed_of(trials: Sequence[TrialRecord]) -> Confirmed | None:
    """Return what the confirmation gives for the search's winner; None while it gives nothing."""

    def values(role: str) -> list[TrialRecord]:
        return [t for t in trials if t.phase == "confirm" and t.role == role and t.status == "finished" and t.value is not None]

    def mean(found: Sequence[TrialRecord]) -> float:
        return math.fsum(trial.value or 0.0 for trial in found) / len(found)

    winner, baseline = values("top1"), values(BASELINE)
    if not winner:
        return None
    return Confirmed(winner[0].source, mean(winner), len(winner), mean(baseline) if baseline else None)


def failures_of(trials: Sequence[TrialRecord]) -> tuple[Failure, ...]:
    """Group the trials that ended badly by status and cause."""
    groups: dict[tuple[Status, str], list[int]] = {}
    for trial in trials:
        if trial.status not in (None, "finished", "stopped"):
            groups.setdefault((trial.status, trial.reason), []).append(trial.number)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[1][0]))
    return tuple(Failure(status, reason, tuple(numbers)) for (status, reason), numbers in ordered)


def _state(record: RunRecord) -> State:
    if record.holder:
        return "running"
    if record.damaged:
        return "damaged"
    if record.stopped == "error":
        return "failed"
    return "done" if record.stopped == "done" else "interrupted"


def _metric(record: RunRecord, objective: Mapping[str, object]) -> str:
    if "metric" in objective:
        return str(objective["metric"])
    return "psnr" if any("psnr" in point.metrics for trial in record.trials for point in trial.reports) else ""


def _part(data: Mapping[str, object], key: str) -> Mapping[str, object]:
    part = data.get(key)
    return part if isinstance(part, Mapping) else {}


def _whole(data: Mapping[str, object], key: str) -> int | None:
    number = data.get(key)
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None


def _planned(record: RunRecord) -> int | None:
    search, confirm = _planned_search(record), _planned_confirm(record)
    extended = sum(trial.phase == "extend" for trial in record.trials)
    return None if search is None else search + confirm + extended


def _planned_search(record: RunRecord) -> int | None:
    if "search" in record.ended:
        return sum(trial.phase == "search" for trial in record.trials)
    asked = _whole(_part(record.spec, "budget"), "trials")
    return None if asked is None else asked + sum(bool(trial.origin) for trial in record.trials)


def _planned_confirm(record: RunRecord) -> int:
    """Count baseline and top configurations, each with all its seeds; none when nothing is, or can be, confirmed.

    Seeds that a race may add are not counted before they are started; what was confirmed before a search went on is.
    """
    confirm = _part(record.spec, "confirm")
    top, seeds = _whole(confirm, "top") or 0, _whole(confirm, "seeds") or 0
    started = sum(trial.phase == "confirm" for trial in record.trials)
    if "confirm" in record.ended:
        return started
    if "search" in record.ended:
        top = min(top, sum(trial.phase == "search" and trial.status == "finished" for trial in record.trials))
    former = sum(trial.phase == "confirm" and trial.role.startswith(FORMER) for trial in record.trials)
    return max(started, former + (top + 1) * seeds if top else 0)


def _gpus(record: RunRecord) -> float:
    resources = _part(record.spec, "resources")
    per_worker = resources.get("gpus_per_worker")
    return (_whole(resources, "workers") or 1) * float(per_worker) if isinstance(per_worker, int | float) else 0.0


def _eta(record: RunRecord, planned: int | None) -> float | None:
    """Guess: trials left, less the parts already done of running ones, each as long as the mean one, at the present parallelism."""
    lengths = [trial.seconds for trial in record.trials if trial.status is not None and trial.seconds > 0 and not trial.origin]
    running = [trial for trial in record.trials if trial.status is None]
    if planned is None or not lengths:
        return None
    mean = math.fsum(lengths) / len(lengths)
    ended = sum(trial.status is not None for trial in record.trials)
    done = math.fsum(min(1.0, trial.step / trial.steps) for trial in running if trial.steps > 0)
    trials_left = max(0.0, planned - ended - done)
    return trials_left * mean / max(1, len(running))
