"""From events to trials: the one place that knows what a sequence of events means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from raysearch.errors import StateDamaged
from raysearch.results.events import (
    BudgetChanged,
    Cause,
    ContendersChosen,
    DriverStarted,
    DriverStopped,
    Event,
    MachineAvoided,
    Phase,
    PhaseEnded,
    RaceLooked,
    RunImported,
    TrialEnded,
    TrialReported,
    TrialRetried,
    TrialStarted,
)
from raysearch.results.record import ReportedPoint, TrialRecord

BASELINE = "baseline"
FORMER = "former-"
"""Begins the role of what was confirmed until the search went on and put others first."""


@dataclass
class _Trial:
    """A trial while its events are being merged."""

    start: TrialStarted
    reports: dict[int, ReportedPoint] = field(default_factory=dict)
    last_step: int = 0
    causes: list[Cause] = field(default_factory=list)
    end: TrialEnded | None = None

    def record(self, contenders: Mapping[str, int]) -> TrialRecord:
        start, end = self.start, self.end
        reports = tuple(self.reports[step] for step in sorted(self.reports))
        return TrialRecord(
            number=start.trial,
            phase=start.phase,
            role=_role(start, contenders),
            source=start.source,
            values=start.values,
            config=start.config,
            seed=start.seed,
            steps=start.steps,
            status=end.status if end else None,
            step=end.step if end else self.last_step,
            value=end.value if end else None,
            seconds=end.seconds if end else self._trained(),
            reason=end.reason if end else "",
            retries=len(self.causes),
            facts={**start.facts, **(end.facts if end else {})},
            unread=end.unread if end else (),
            reports=reports,
            started=start.time,
            ended=end.time if end else None,
            origin=start.origin,
            causes=tuple(self.causes),
            parent=start.parent,
            parent_step=start.parent_step,
            earlier=start.earlier,
        )

    def _trained(self) -> float:
        """Return the seconds of training by the last evaluation; a child's count on from those of its parent."""
        trained = {step: point.metrics.get("train_seconds", 0.0) for step, point in self.reports.items()}
        before = trained.get(self.start.parent_step, 0.0) if self.start.parent is not None else 0.0
        return max(trained.values(), default=before) - before


def _role(start: TrialStarted, contenders: Mapping[str, int]) -> str:
    """Return what a trial of the confirmation is now: the contenders may be others than when it was started."""
    if start.phase != "confirm" or not contenders:
        return start.role
    baseline = start.role == BASELINE
    fitting = [role for role, source in contenders.items() if source == start.source and (role == BASELINE) == baseline]
    return fitting[0] if fitting else f"{FORMER}{'baseline-' if baseline else ''}{start.source}"


@dataclass
class Replay:
    """Merges events one at a time, in the journal's order.

    Attributes:
        phases: why each phase that is over has ended.
        commands: the command line of each driver that took the run.
        versions: what the last one of them ran with.
        stopped: how the last driver left; empty if it did not say.
        began: time of the first event.
        updated: time of the last event.
        breaks: seconds without a driver: from the last event before a driver started, or before a user's order, to that; summed.
        budget: what a user has put in the place of the study's budget, None if nobody has.
        contenders: see `ContendersChosen`; empty while the roles are what the trials were started as.
        looks: what the seed race has seen so far.
        changes: what users have done to the run since it was started, a sentence each.
        incidents: what has happened to it (machines that were avoided, drivers under other versions), a sentence each.
    """

    phases: dict[Phase, str] = field(default_factory=dict)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    stopped: str = ""
    began: float = 0.0
    updated: float = 0.0
    breaks: float = 0.0
    budget: BudgetChanged | None = None
    contenders: dict[str, int] = field(default_factory=dict)
    looks: list[RaceLooked] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)
    _trials: dict[int, _Trial] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Take the next event.

        A start or an end told twice (a driver that was interrupted while it wrote) changes nothing. A retry of an ended trial
        opens it again.

        Raises:
            StateDamaged: the event contradicts the ones before. Nothing was changed.
        """
        idle = bool(self.commands) and (isinstance(event, DriverStarted) or self._is_order(event))
        match event:
            case TrialStarted():
                self._start(event)
            case TrialReported():
                self._report(event)
            case TrialRetried():
                self._retry(event)
            case TrialEnded():
                self._end(event)
            case PhaseEnded():
                self.phases[event.phase] = event.reason
            case BudgetChanged():
                self.budget = event
                self.changes.append(f"the budget is {_printed(event)}")
                self._reopen("search")
            case RunImported():
                self.changes.append(_imported(event))
            case ContendersChosen():
                self.contenders = dict(event.contenders)
                self.looks.clear()  # another comparison begins
            case RaceLooked():
                self.looks.append(event)
            case MachineAvoided():
                place = event.address or event.machine[:12]
                self.incidents.append(f"the machine {place} was avoided after trials had failed there at once ({event.reason})")
            case DriverStarted():
                if changed := changed_versions(self.versions, event.versions):
                    self.incidents.append(
                        f"from start {len(self.commands) + 1} on the run was driven with something else: {changed}"
                    )
                self.versions = dict(event.versions)
                self.commands.append(event.command)
                self.stopped = ""
            case DriverStopped():
                self.stopped = event.reason
        self.breaks += max(0.0, event.time - self.updated) if idle else 0.0
        self.began = self.began or event.time
        self.updated = event.time

    def trials(self) -> tuple[TrialRecord, ...]:
        """Return the trials by number, as far as the events have told."""
        return tuple(self._trials[number].record(self.contenders) for number in sorted(self._trials))

    def _start(self, event: TrialStarted) -> None:
        known = self._trials.get(event.trial)
        if known is None:
            self._trials[event.trial] = _Trial(event)
            if event.phase == "extend":
                self.changes.append(f"trial {event.source} is trained for {event.steps} steps as trial {event.trial}")
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

    def _is_order(self, event: Event) -> bool:
        """Whether a user, and no driver, is behind an event."""
        match event:
            case BudgetChanged():
                return True
            case TrialRetried():
                return event.trial in self._trials and self._trials[event.trial].end is not None
            case TrialStarted():
                return event.phase == "extend"
        return False

    def _retry(self, event: TrialRetried) -> None:
        trial = self._find(event.trial, "is retried")
        trial.causes.append(event.cause)
        if trial.end is not None:
            self.changes.append(f"trial {event.trial}, which had {trial.end.status}, has another attempt")
            self._reopen(trial.start.phase)
        trial.end = None

    def _reopen(self, phase: Phase) -> None:
        """Open a phase again; what the confirmation of a search was is to be seen when that is over."""
        self.phases.pop(phase, None)
        if phase == "search":
            self.phases.pop("confirm", None)

    def _find(self, number: int, verb: str) -> _Trial:
        trial = self._trials.get(number)
        if trial is None:
            raise StateDamaged(f"trial {number} {verb}, but was never started")
        return trial


def changed_versions(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Say what differs between two drivers, of what both have told; empty if nothing does."""
    both = [name for name in before if name in now and before[name] != now[name]]
    return ", ".join(f"{name} {before[name]} became {now[name]}" for name in both)


def _printed(budget: BudgetChanged) -> str:
    limits = {"trials": budget.trials, "minutes": budget.minutes, "GPU hours": budget.gpu_hours}
    return ", ".join(f"{value:g} {name}" for name, value in limits.items() if value is not None) or "without a limit"


def _imported(event: RunImported) -> str:
    refused = "; ".join(f"{count} not: {reason}" for reason, count in event.refused.items())
    return f"{event.trials} trials are imported from run {event.run}" + (f" ({refused})" if refused else "")


def replay(events: Iterable[Event]) -> tuple[TrialRecord, ...]:
    """Merge a journal's events into trials, by number.

    Raises:
        StateDamaged: an event contradicts the ones before.
    """
    merged = Replay()
    for event in events:
        merged.add(event)
    return merged.trials()
