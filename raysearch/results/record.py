"""A run as its journal tells it, for every reader: `ls`, `show`, `watch`, `best`, the report, and the driver on resume."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from raysearch.results.events import Cause, Leaf, Phase, RaceLooked, Stage, Status


@dataclass(frozen=True)
class ReportedPoint:
    """One evaluation of a running trial on validation photographs."""

    step: int
    metrics: dict[str, float]
    time: float


@dataclass(frozen=True)
class TrialRecord:
    """One trial, as its events tell.

    Attributes:
        number: dense numbers from 0, over all phases.
        phase: search, confirmation or extension.
        role: see `raysearch.results.events.TrialStarted`, also for the next five; of a confirmation: what it is about now, see
            `raysearch.results.events.ContendersChosen`.
        source: the search trial that is confirmed or extended.
        values: the searched values by domain name.
        config: the `TrialConfig` as plain data.
        seed: of the trial.
        steps: optimisation steps at full length.
        status: None while it is running or was interrupted.
        step: optimisation steps done: at the end, or at the last evaluation.
        value: the objective at the end; None until then, and when it isn't finite.
        seconds: training and evaluation time until the end or the last evaluation.
        reason: why it did not finish; empty otherwise.
        retries: how often it was started again.
        facts: parameters, macs_g, macs_size, device, workers; until the end those that the study asks for.
        reports: the evaluations, by step; of two at the same step (after a retry) the later one.
        started: seconds since the epoch.
        ended: seconds since the epoch; None until the end.
        unread: see `raysearch.results.events.TrialEnded`.
        origin: ``run/number`` of an imported trial, which has no folder here; empty for any other.
        causes: why it was started again, in order.
        parent, parent_step, earlier: see `raysearch.results.events.TrialStarted`.
    """

    number: int
    phase: Phase
    role: str
    source: int | None
    values: dict[str, Leaf]
    config: dict[str, object]
    seed: int
    steps: int
    status: Status | None
    step: int
    value: float | None
    seconds: float
    reason: str
    retries: int
    facts: dict[str, Leaf]
    reports: tuple[ReportedPoint, ...]
    started: float
    ended: float | None = None
    origin: str = ""
    unread: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    parent: int | None = None
    parent_step: int = 0
    earlier: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class RunRecord:
    """A run.

    Attributes:
        name: the run's name.
        space_text: the user's YAML, byte for byte; empty if it is missing.
        spec: the resolved study as plain data (the JSON form of StudySpec), with the budget that the run has now.
        environment: env.json.
        trials: by number.
        images: per-image metrics of all trials that have them: `raysearch.train.files.IMAGES` with a first column ``trial``.
        ended: reasons by phase that has ended.
        drivers: how often a driver took the run.
        commands: their command lines.
        missing: what could not be read, one sentence each; readers show it.
        began: time of the first event, seconds since the epoch; 0 without events.
        updated: time of the last event.
        stopped: how the last driver left (``done``, ``interrupted``, ``error``); empty while it works or when it was killed.
        holder: who holds the run's lock, in words; empty if nobody does, or provably nobody alive.
        breaks: seconds between ``began`` and ``updated`` during which no driver worked.
        damaged: whether the journal is damaged before its end, or contradicts itself, so that no driver goes on with it.
        changes: what users have done to the run since it was started (budget, attempts, imports, extensions), a sentence each.
        looks: what the seed race saw; empty without one.
        incidents: what has happened to the run (machines that were avoided, drivers under other versions), a sentence each.
    """

    name: str
    space_text: str
    spec: dict[str, object]
    environment: dict[str, object]
    trials: tuple[TrialRecord, ...]
    images: pa.Table
    ended: dict[Phase, str]
    drivers: int
    commands: tuple[tuple[str, ...], ...]
    missing: tuple[str, ...]
    began: float = 0.0
    updated: float = 0.0
    stopped: str = ""
    holder: str = ""
    breaks: float = 0.0
    damaged: bool = False
    changes: tuple[str, ...] = ()
    looks: tuple[RaceLooked, ...] = ()
    incidents: tuple[str, ...] = ()
