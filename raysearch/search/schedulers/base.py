"""What a scheduler is: it decides at every report whether a trial goes on. Knows nothing of Ray.

Its state is a function of the reports that it was shown, in their order; the driver shows it those of the journal again when a
run is resumed, so nothing of it is ever stored. `raysearch.search.tune_scheduler` is its place in Ray Tune, and a simulation
drives the same object without Ray.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from raysearch.component import Config

Scores = tuple[float, ...]
"""The objectives of a trial at a step, in the study's order, each with the sign under which larger is better."""


class Scheduler(ABC):
    """A running scheduler."""

    @abstractmethod
    def report(self, trial: int, step: int, scores: Scores) -> bool:
        """Take a trial's scores and return whether it goes on.

        Called once for each report, with steps ascending within a trial; the last report of a trial at its full length is shown
        too, and its answer is ignored.
        """

    @abstractmethod
    def telling(self) -> tuple[int, ...]:
        """Return the rungs whose values, as far as is known now, tell how trials end, ascending: a searcher may learn from them."""


class SchedulerConfig(Config, ABC):
    """Decides which trials go on."""

    @abstractmethod
    def build(self, steps: int) -> Scheduler:
        """Build the scheduler in its initial state for trials of at most ``steps`` optimisation steps."""

    @abstractmethod
    def rungs(self, steps: int) -> tuple[int, ...]:
        """Return the steps at which trials are compared, ascending, without the full length."""
