"""What a scheduler is: it decides at every report whether a trial goes on. Knows nothing of Ray.

Its state is a function of the reports that it was shown, in their order; the driver shows it those of the journal again when a
run is resumed, so nothing of it is ever stored. `raysearch.search.tune_scheduler` is its place in Ray Tune, and a simulation
drives the same object without Ray.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from raysearch.component import Config
from raysearch.results.events import Status

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


@dataclass(frozen=True)
class Vacancy:
    """A free place in a population: its next trial begins at ``step``, from the checkpoint of one of the ``donors``, best first."""

    step: int
    donors: tuple[int, ...]


class Breeder(Scheduler, ABC):
    """A scheduler that asks for further trials, which begin from the checkpoints of others.

    Its state is a function of reports, beginnings (`born`) and ends (`ended`), in the journal's order.
    """

    @abstractmethod
    def vacancy(self) -> Vacancy | None:
        """Return the place that is to be filled next; None when there is none, or none that has a donor yet."""

    @abstractmethod
    def donors(self, step: int) -> tuple[int, ...]:
        """Return the trials whose checkpoint of a rung others may begin from, as things stand."""

    @abstractmethod
    def open(self) -> tuple[int, ...]:
        """Return the rungs at which places are free, also those without a donor."""

    @abstractmethod
    def gives_way(self, trial: int) -> bool:
        """Return whether a trial that rests at a rung is to be stopped there, as things stand."""

    @abstractmethod
    def born(self, trial: int, step: int) -> None:
        """Take that a trial has taken a free place at a rung; its report of that step is its donor's."""

    @abstractmethod
    def ended(self, trial: int, how: Status) -> None:
        """Take that a trial has ended; one that was stopped or had an accident leaves a free place."""


class SchedulerConfig(Config, ABC):
    """Decides which trials go on."""

    @property
    def founders(self) -> int | None:
        """How many configurations the searcher proposes in all; None for as many as the budget allows."""
        return None

    @abstractmethod
    def build(self, steps: int) -> Scheduler:
        """Build the scheduler in its initial state for trials of at most ``steps`` optimisation steps."""

    @abstractmethod
    def rungs(self, steps: int) -> tuple[int, ...]:
        """Return the steps at which trials are compared, ascending, without the full length."""
