"""The driver's book of a run: writes each event to the journal, then tells everyone who needs to know.

The journal comes first: what is not in it has not happened. One `Ledger` lives through both phases of a run.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from raysearch.results.events import Cause, Event, Phase, PhaseEnded, Status, TrialEnded, TrialReported, TrialRetried, TrialStarted
from raysearch.results.record import TrialRecord
from raysearch.search.entries import Entry, NewTrial
from raysearch.search.job import Ended, Reported
from raysearch.search.progress import Best, Observer, Summary

logger = logging.getLogger("raysearch")


def _nothing(error: Exception) -> None:
    """Tell nobody."""


class Ledger:
    """Numbers trials, writes events, keeps count.

    Attributes:
        broken: why the journal can't be written any more; None while it can.
        on_broken: called then.

    Args:
        append: writes an event to the journal and returns when it is on the disk.
        metric, mode: the objective.
        gpus: GPUs of a trial, for the GPU hours.
        observers: told of each event after it was written.
    """

    def __init__(
        self,
        append: Callable[[Event], object],
        *,
        metric: str,
        mode: Literal["max", "min"],
        gpus: float,
        observers: Iterable[Observer],
        earlier: Sequence[TrialRecord] = (),
    ) -> None:
        self._append = append
        self._metric = metric
        self._sign = 1.0 if mode == "max" else -1.0
        self._gpus = gpus
        self._observers = tuple(observers)
        self._began = time.monotonic()
        self._counts: dict[Phase, Counter[str]] = {"search": Counter(), "confirm": Counter(), "extend": Counter()}
        self._ended_seconds = 0.0
        self._running: dict[int, Entry] = {}
        self._best: Entry | None = None
        self.broken: Exception | None = None
        self.on_broken: Callable[[Exception], None] = _nothing
        self._writing = threading.Lock()
        self.phase: Phase = "search"
        self.planned: int | None = None
        self.entries: dict[int, Entry] = {}
        for record in earlier:
            self._add(Entry.of(record, metric))

    def _add(self, entry: Entry) -> None:
        self.entries[entry.number] = entry
        if entry.status is None:
            self._running[entry.number] = entry
            self._counts[entry.phase]["running"] += 1
        else:
            self._settle(entry)

    def _settle(self, entry: Entry) -> None:
        self._counts[entry.phase][entry.status or ""] += 1
        self._ended_seconds += 0.0 if entry.imported else entry.seconds
        if (
            entry.phase == "search"
            and entry.status == "finished"
            and (self._best is None or self._order(entry) < self._order(self._best))
        ):
            self._best = entry

    def _order(self, entry: Entry) -> tuple[float, int]:
        return (-self._sign * (entry.value or 0.0), entry.number)

    @property
    def elapsed(self) -> float:
        """Monotonic time since this driver started, in seconds."""
        return time.monotonic() - self._began

    @property
    def trial_seconds(self) -> float:
        """Time spent on trials so far, by all drivers, in seconds; running ones by their last report."""
        return self._ended_seconds + sum(entry.seconds for entry in self._running.values())

    @property
    def gpu_hours(self) -> float:
        """GPU time spent on trials so far, by all drivers, in hours."""
        return self.trial_seconds * self._gpus / 3600

    def count(self, phase: Phase, *states: Status | Literal["running"]) -> int:
        """Return how many trials of a phase are in one of the states."""
        return sum(self._counts[phase][state] for state in states)

    def of(self, phase: Phase) -> list[Entry]:
        """Return the trials of a phase, by number."""
        return [entry for entry in self.entries.values() if entry.phase == phase]

    def asked(self) -> int:
        """Return how many trials the search has started itself: what its budget counts."""
        return sum(not entry.imported for entry in self.of("search"))

    def write(self, event: Event) -> None:
        """Write an event and tell the observers.

        When it can't be written, every later call fails with the same exception: Ray Tune takes an exception in a callback for a
        failure of the trial and goes on, and what it would tell next is not true.
        """
        self._require_sound()
        try:
            with self._writing:
                self._append(event)
        except Exception as error:
            self.broken = error
            self.on_broken(error)
            raise
        self.tell(event)

    def tell(self, event: Event) -> None:
        """Tell the observers of an event that is in the journal; one that fails (its terminal is gone) hears no more of the run."""
        summary = self.summary()
        for observer in self._observers:
            try:
                observer.on_event(event, summary)
            except Exception:
                logger.exception("%s failed and sees no more of the run, which goes on", type(observer).__name__)
                self._observers = tuple(other for other in self._observers if other is not observer)

    def write_last(self, event: Event) -> None:
        """Write an event from another thread, tell nobody, and let nothing follow it: the process is about to end.

        Raises:
            TimeoutError: the main thread has been writing for five seconds.
        """
        if not self._writing.acquire(timeout=5.0):
            raise TimeoutError("the journal's disk does not answer")
        if self.broken is None:
            self._append(event)

    def _require_sound(self) -> None:
        if self.broken is not None:
            raise self.broken

    def summary(self) -> Summary:
        """Return where the current phase stands."""
        counts = {state: count for state, count in self._counts[self.phase].items() if count}
        return Summary(self.phase, self.planned, counts, self.best(), self.elapsed, self.gpu_hours)

    def best(self) -> Best | None:
        """Return the best finished trial of the search."""
        return None if self._best is None or self._best.value is None else Best(self._best.number, self._best.value)

    def ranking(self) -> list[Entry]:
        """Return the finished trials of the search, best first; the earlier of two equal ones first."""
        return sorted((entry for entry in self.of("search") if entry.status == "finished"), key=self._order)

    def next_number(self) -> int:
        """Return the number of the next trial."""
        return len(self.entries)

    def start(self, trial: NewTrial) -> int:
        """Give a trial its number and write it down; called before anything of it runs."""
        number = self.next_number()
        event = TrialStarted(
            time=time.time(),
            trial=number,
            phase=self.phase,
            role=trial.role,
            source=trial.source,
            values=trial.values,
            facts=trial.facts,
            config=trial.config,
            seed=trial.seed,
            steps=trial.steps,
            parent=trial.parent,
            parent_step=trial.parent_step,
            earlier=trial.earlier,
        )
        self._add(Entry(number, self.phase, trial.steps, facts=dict(trial.facts), parent=trial.parent))
        self.write(event)
        return number

    def reported(self, number: int, report: Reported) -> bool:
        """Take a report; return False for one that was taken before (a resumed trial repeats its last)."""
        entry = self.entries[number]
        if report.step <= entry.step or entry.status is not None:
            return False
        entry.step = report.step
        entry.seconds = entry.carried + report.seconds
        entry.points.append((report.step, report.metrics[self._metric]))
        entry.metrics = dict(report.metrics)
        self.write(TrialReported(time=time.time(), trial=number, step=report.step, metrics=report.metrics))
        return True

    def retried(self, number: int, reason: str, cause: Cause = "lost") -> None:
        """Take the loss of a trial's process; the trial goes on in another."""
        entry = self.entries[number]
        entry.causes.append(cause)
        entry.carried = entry.seconds
        self.write(TrialRetried(time=time.time(), trial=number, attempt=len(entry.causes), reason=reason, cause=cause))

    def rested(self, number: int) -> None:
        """Take that a trial's process has ended, and that another one will go on with the trial."""
        entry = self.entries[number]
        entry.carried = entry.seconds

    def ended(self, number: int, end: Ended) -> None:
        """Take the end of a trial."""
        self._require_sound()
        entry = self.entries[number]
        entry.status, entry.value, entry.step = end.status, end.value, max(end.step, 0)
        entry.facts |= end.facts
        entry.seconds = entry.carried + end.seconds
        del self._running[number]
        self._counts[entry.phase]["running"] -= 1
        self._settle(entry)
        self.write(
            TrialEnded(
                time=time.time(),
                trial=number,
                status=end.status,
                step=entry.step,
                value=end.value,
                seconds=entry.seconds,
                reason=end.reason,
                facts=end.facts,
                unread=end.unread,
            )
        )

    def end_phase(self, reason: str) -> None:
        """Write that the phase is over."""
        self.write(PhaseEnded(time=time.time(), phase=self.phase, reason=reason))
