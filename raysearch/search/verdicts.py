"""What the scheduler has said of each trial: asked once for each report, remembered for a report that comes again."""

from __future__ import annotations

from collections.abc import Iterable

from raysearch.results.events import Event, TrialReported, TrialStarted
from raysearch.search.job import Reported
from raysearch.search.objectives import scores_of
from raysearch.search.schedulers.base import Scheduler
from raysearch.search.study import Objective


class Verdicts:
    """Asks a scheduler, each trial known by its number."""

    def __init__(self, scheduler: Scheduler, objective: Objective) -> None:
        self._scheduler = scheduler
        self._objective = objective
        self._last: dict[int, tuple[int, bool]] = {}

    def of(self, trial: int, report: Reported) -> bool:
        """Return whether a trial goes on after a report. A trial at its full length is never stopped."""
        last, goes_on = self._last.get(trial, (-1, True))
        if report.step > last:
            goes_on = self._scheduler.report(trial, report.step, scores_of(report.metrics, self._objective))
            self._last[trial] = report.step, goes_on
        return goes_on or report.step >= report.steps

    def telling(self) -> tuple[int, ...]:
        """Return the rungs whose values a searcher may learn from; see `Scheduler.telling`."""
        return self._scheduler.telling()

    def replay(self, events: Iterable[Event]) -> None:
        """Show the scheduler the search's reports of earlier drivers, in the journal's order."""
        steps: dict[int, int] = {}
        for event in events:
            if isinstance(event, TrialStarted) and event.phase == "search":
                steps[event.trial] = event.steps
            elif isinstance(event, TrialReported) and event.trial in steps:
                self.of(event.trial, Reported(event.step, steps[event.trial], event.metrics, 0.0))
