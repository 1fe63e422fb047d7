"""When the search ends. Time is monotonic: a clock that is set does not shorten or lengthen a study."""

from __future__ import annotations

from raysearch.search.ledger import Ledger
from raysearch.search.study import Budget


class Limits:
    """Tells when no new trial may start; running ones always go on.

    Args:
        concurrent: trials at once; earlier drivers are taken to have been as busy, since their own clocks are gone.
    """

    def __init__(self, budget: Budget, ledger: Ledger, concurrent: int) -> None:
        self._budget = budget
        self._ledger = ledger
        self._earlier_s = ledger.trial_seconds / concurrent

    @property
    def too_many_failed(self) -> bool:
        """Whether more trials failed than allowed. Diverged and out of memory are answers, not failures."""
        allowed = self._budget.max_failed
        return allowed is not None and self._ledger.count("search", "failed", "stalled") > allowed

    def reached(self) -> str:
        """Return which limit is reached (see `raysearch.results.events.PhaseEnded`); empty when none is."""
        budget, ledger = self._budget, self._ledger
        if budget.trials is not None and ledger.asked() >= budget.trials:
            return "trials"
        if self.too_many_failed:
            return "failed"
        if budget.minutes is not None and self._earlier_s + ledger.elapsed >= 60 * budget.minutes:
            return "time"
        if budget.gpu_hours is not None and ledger.gpu_hours >= budget.gpu_hours:
            return "gpu_hours"
        return ""
