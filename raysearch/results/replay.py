"""From events to trials: the one place that knows what a sequence of events means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from raysearch.errors import StateDamaged
from raysearch.results.events import (
    DriverStarted,
    DriverStopped,
    Event,
    Phase,
    PhaseEnded,
    TrialEnded,
    TrialReported,
    TrialRetried,
    TrialStarted,
)
from raysearch.results.record import ReportedPoint, TrialRecord


@dataclass
class _Trial:
    """A trial while its events are being merged."""

    start: TrialStarted
    reports: dict[int, ReportedPoint] = field(default_factory=dict)
    last_step: int = 0
    retries: int = 0
    end: TrialEnded | None = None

    def record(self) -> TrialRecord:
        start, end = self.start, self.end
        reports = tuple(self.reports[step] for step in sorted(self.reports))
        return TrialRecord(
            number=start.trial,
            phase=start.phase,
            role=start.role,
            source=start.source,
            values=start.values,
            config=start.config,
            seed=start.seed,
            steps=start.steps,
            status=end.status if end else None,
            step=end.step if end else self.last_step,
            value=end.value if end else None,
            seconds=end.seconds if end else max((point.metrics.get("train_seconds", 0.0) for point in reports), default=0.0),
            reason=end.reason if end else "",
            retries=self.retries,
            facts=end.facts if end else {},
            reports=reports,
            started=start.time,
            ended=end.time if end else None,
        )


@dataclass
class Replay:
    """Merges events one at a time, in the journal's order.

    Attributes:
        phases: why each phase that is over has ended.
        commands: the command line of each driver that took the run.
        stopped: how the last driver left; empty if it did not say.
        began: time of the first event.
        updated: time of the last event.
        breaks: seconds without a driver: from the last event before a driver started to its start, summed.
    """

    phases: dict[Phase, str] = field(default_factory=dict)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    stopped: str = ""
    began: float = 0.0
    updated: float = 0.0
    breaks: float = 0.0
    _trials: dict[int, _Trial] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Take the next event.

        A start or an end told twice (a driver that was interrupted while it wrote) changes nothing. A retry of an ended trial
        opens it again.

        Raises:
            StateDamaged: the event contradicts the ones before. Nothing was changed.
        """
        match event:
            case TrialStarted():
                self._start(event)
            case TrialReported():
                self._report(event)
            case TrialRetried():
                trial = self._find(event.trial, "is retried")
                trial.retries += 1
                trial.end = None
            case TrialEnded():
                self._end(event)
            case PhaseEnded():
                self.phases[event.phase] = event.reason
            case DriverStarted():
                self.breaks += max(0.0, event.time - self.updated) if self.commands else 0.0
                self.commands.append(event.command)
                self.stopped = ""
            case DriverStopped():
                self.stopped = event.reason
        self.began = self.began or event.time
        self.updated = event.time

    def trials(self) -> tuple[TrialRecord, ...]:
        """Return the trials by number, as far as the events have told."""
        return tuple(self._trials[number].record() for number in sorted(self._trials))

    def _start(self, event: TrialStarted) -> None:
        known = self._trials.get(event.trial)
        if known is None:
            self._trials[event.trial] = _Trial(event)
        elif known.start.model_copy(update={"time": event.time}) != event:
            raise StateDamaged(f"trial {event.trial} is started twice, with different configurations")

    def _report(self, event: TrialReported) -> None:
        trial = self._find(event.trial, "reports")
        trial.reports[event.step] = ReportedPoint(event.step, event.metrics, event.time)
        trial.last_step = event.step

    def _end(self, event: TrialEnded) -> None:
        trial = self._find(event.trial, "ends")
        if trial.end is not None and trial.end.model_copy(update={"time": event.time}) != event:
            raise StateDamaged(f"trial {event.trial} ends twice, in different ways")
        trial.end = event

    def _find(self, number: int, verb: str) -> _Trial:
        trial = self._trials.get(number)
        if trial is None:
            raise StateDamaged(f"trial {number} {verb}, but was never started")
        return trial


def replay(events: Iterable[Event]) -> tuple[TrialRecord, ...]:
    """Merge a journal's events into trials, by number.

    Raises:
        StateDamaged: an event contradicts the ones before.
    """
    merged = Replay()
    for event in events:
        merged.add(event)
    return merged.trials()
