"""What the driver knows of each trial: an `Entry` for one that has a number, a `NewTrial` for one that gets it."""

from __future__ import annotations

from dataclasses import dataclass, field

from raysearch.results.events import Cause, Leaf, Phase, Stage, Status
from raysearch.results.record import TrialRecord


@dataclass
class Entry:
    """One trial, as far as the driver needs it.

    Attributes:
        carried: seconds of earlier processes of this trial, by their last report.
        metrics: of the last report.
        facts: what is known of parameters, multiply-adds and so on.
        seconds: seconds of all its processes, by the last report or, when it has ended, in all.
        imported: it was trained in another run, and costs this one nothing.
        parent: the trial from whose checkpoint it began.
    """

    number: int
    phase: Phase
    steps: int
    status: Status | None = None
    step: int = -1
    value: float | None = None
    seconds: float = 0.0
    causes: list[Cause] = field(default_factory=list)
    carried: float = 0.0
    points: list[tuple[int, float]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Leaf] = field(default_factory=dict)
    imported: bool = False
    parent: int | None = None

    @staticmethod
    def of(record: TrialRecord, metric: str) -> Entry:
        """Take a trial of an earlier driver; ``metric`` is the objective."""
        last = record.reports[-1] if record.reports else None
        return Entry(
            number=record.number,
            phase=record.phase,
            steps=record.steps,
            status=record.status,
            step=record.step if last or record.status else -1,
            value=record.value,
            seconds=record.seconds,
            causes=list(record.causes),
            carried=record.seconds if record.status is None else 0.0,
            points=[(point.step, point.metrics[metric]) for point in record.reports],
            metrics=dict(last.metrics) if last else {},
            facts=dict(record.facts),
            imported=bool(record.origin),
            parent=record.parent,
        )

    @property
    def parts(self) -> int:
        """Pieces in which a worker takes its share of a batch: twice as many after each time that memory did not suffice."""
        return int(2 ** self.causes.count("out_of_memory"))


@dataclass(frozen=True)
class NewTrial:
    """What `raysearch.search.ledger.Ledger.start` writes down; the fields of `TrialStarted` without number and phase."""

    role: str
    source: int | None
    values: dict[str, Leaf]
    config: dict[str, object]
    seed: int
    steps: int
    facts: dict[str, Leaf] = field(default_factory=dict)
    parent: int | None = None
    parent_step: int = 0
    earlier: tuple[Stage, ...] = ()
