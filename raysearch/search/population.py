"""The trials of a population in the order in which they get workers: a `raysearch.search.searcher.TrialSource`."""

from __future__ import annotations

from collections.abc import Callable

from raysearch.search.budget import Limits
from raysearch.search.job import Ended, Job, Reported
from raysearch.search.ledger import Ledger
from raysearch.search.nursery import Nursery
from raysearch.search.sources import JobMaker, SearchSource


class PopulationSource:
    """Founders from a search, then whoever is furthest behind: a member that rests, or a child in a free place.

    Args:
        search: proposes founders; no trial of an earlier driver is handed out by it.
        stop: whether the user wants the study to end.
    """

    def __init__(
        self, search: SearchSource, nursery: Nursery, ledger: Ledger, jobs: JobMaker, limits: Limits, stop: Callable[[], bool]
    ) -> None:
        self._search = search
        self._nursery = nursery
        self._ledger = ledger
        self._jobs = jobs
        self._limits = limits
        self._stop = stop
        self._reason = ""
        self._exhausted = False

    @property
    def reason(self) -> str:
        """Why there are no more trials."""
        return self._reason

    def next(self) -> Job | None:
        """Return the member that gets a worker; None when there is none, as far as is known now."""
        if self._stop():
            return None
        self._reason = self._limits.reached()
        number = self._nursery.interrupted()
        if number is None and (founder := self._founder()) is not None:
            return founder
        if number is None:
            number = self._rested()
        if number is None and not self._reason:
            number = self._child()
        if number is None:
            self._reason = self._reason or "exhausted"
            return None
        return self._nursery.equipped(self._jobs.make(number, self._nursery.config(number), "validation"))

    def _may_found(self) -> bool:
        return self._nursery.wants_founder and not self._exhausted and not self._limits.reached()

    def _founder(self) -> Job | None:
        if not self._may_found():
            return None
        job = self._search.next()
        self._exhausted = job is None
        return None if job is None else self._nursery.equipped(job)

    def _rested(self) -> int | None:
        """Return the next member that has rested and goes on; those before it that give way are over."""
        while (number := self._nursery.next()) is not None:
            if not self._nursery.gives_way(number):
                return number
            entry = self._ledger.entries[number]
            step, value = entry.points[-1]
            self._ledger.ended(number, Ended("stopped", step, value, entry.seconds - entry.carried, "", {}))
            self.tell(number)
        return None

    def _child(self) -> int | None:
        child = self._nursery.child()
        if child is None:
            return None
        number = self._ledger.start(child)
        self._nursery.started(number, child)
        return number

    def rests(self, number: int, step: int) -> bool:
        """Return whether a member that may go on is to leave its worker to others first."""
        return self._nursery.rests(number, step, founders=self._may_found())

    def is_resting(self, number: int) -> bool:
        """Return whether a member was sent to rest."""
        return self._nursery.is_resting(number)

    def report(self, number: int, report: Reported) -> None:
        """Tell the searcher of a founder; a child's value is not that of its values alone."""
        self._nursery.tidy()
        if self._ledger.entries[number].parent is None:
            self._search.report(number, report)

    def tell(self, number: int) -> None:
        """Take the end of a member, and tell the searcher of a founder."""
        entry = self._ledger.entries[number]
        assert entry.status is not None, "it was written down"
        self._nursery.ended(number, entry.status)
        if entry.parent is None:
            self._search.tell(number)

    def judged(self, number: int, end: Ended) -> Ended:
        """Return an end as it is to be written."""
        return self._search.judged(number, end)
