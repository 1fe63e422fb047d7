"""A run as its journal tells it, for every reader: `ls`, `show`, `watch`, `best`, the report, and the driver on resume."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from raysearch.results.events import Leaf, Phase, Status


@dataclass(frozen=True)
class ReportedPoint:
    """One evaluation of a running trial on validation photographs."""

    step: int
    metrics: dict[str, float]
    time: float


@dataclass(frozen=True)
class TrialRecord:
    """One trial. ``status`` is None while it is running or was interrupted."""

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


@dataclass(frozen=True)
class RunRecord:
    """A run.

    Attributes:
        name: the run's name.
        space_text: the user's YAML, byte for byte; empty if it is missing.
        spec: the resolved study as plain data (the JSON form of StudySpec).
        environment: env.json.
        trials: by number.
        images: per-image metrics of all trials that have them: `raysearch.train.files.IMAGES` with a first column ``trial``.
        ended: reasons by phase that has ended.
        drivers: how often a driver took the run.
        commands: their command lines.
        missing: what could not be read, one sentence each; readers show it.
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
