"""What the scheduler has said of each trial: asked once for each report, remembered for a report that comes again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from raysearch.results.events import Event, Leaf, TrialEnded, TrialReported, TrialStarted
from raysearch.results.goals import Goals
from raysearch.search.job import Reported
from raysearch.search.schedulers.base import Breeder, Scheduler


class Verdicts:
    """Asks a scheduler, each trial known by its number.

    Args:
        goals: what the scheduler compares.
        facts: returns what is known of a trial's parameters and multiply-adds, where an objective is about them.
    """

    def __init__(self, scheduler: Scheduler, goals: Goals, facts: Callable[[int], Mapping[str, Leaf]] = lambda trial: {}) -> None:
        self._scheduler = scheduler
        self._goals = goals
        self._facts = facts
        self._last: dict[int, tuple[int, bool]] = {}

    def of(self, trial: int, report: Reported) -> bool:
        """Return whether a trial goes on after a report. A trial at its full length is never stopped."""
        last, goes_on = self._last.get(trial, (-1, True))
        if report.step > last:
            goes_on = self._scheduler.report(trial, report.step, self._goals.scores(report.metrics, self._facts(trial)))
            self._last[trial] = report.step, goes_on
        return goes_on or report.step >= report.steps

    def telling(self) -> tuple[int, ...]:
        """Return the rungs whose values a searcher may learn from; see `Scheduler.telling`."""
        return self._scheduler.telling()

    def replay(self, events: Iterable[Event]) -> None:
        """Show the scheduler what earlier drivers showed it of the search, in the journal's order."""
        steps: dict[int, int] = {}
        breeder = self._scheduler if isinstance(self._scheduler, Breeder) else None
        for event in events:
            if isinstance(event, TrialStarted) and event.phase == "search" and not (breeder and event.origin):
                steps[event.trial] = event.steps
                if breeder is not None and event.parent is not None:
                    breeder.born(event.trial, event.parent_step)
            elif isinstance(event, TrialReported) and event.trial in steps:
                self.of(event.trial, Reported(event.step, steps[event.trial], event.metrics, 0.0))
            elif isinstance(event, TrialEnded) and event.trial in steps and breeder is not None:
                breeder.ended(event.trial, event.status)
