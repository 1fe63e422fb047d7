"""What a searcher config is: it builds an Optuna sampler (the word `sampler` is kept for patches elsewhere)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from raysearch.component import Config

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from raysearch.spec.space import Assignment, Space


class SearcherConfig(Config, ABC):
    """Proposes configurations."""

    whole: ClassVar[bool] = False
    """It wants a value of every domain in every trial: those of branches that were not chosen get their default."""

    several: ClassVar[bool] = True
    """It can look for several objectives at once."""

    questions: ClassVar[int] = 16
    """How often it is asked for one proposal, before the space is searched at random for a configuration that may be tried."""

    by_value: ClassVar[bool] = False
    """It learns from values alone: a trial that diverged or ran out of memory has to be told with the worst value so far."""

    @abstractmethod
    def build(self, space: Space, seed: int, objectives: int = 1) -> BaseSampler:
        """Build the Optuna sampler.

        Args:
            seed: of its draws.
            objectives: how many values a trial has.

        Raises:
            SpecError: the searcher can't search this space (a grid over a continuous domain).
        """

    @property
    @abstractmethod
    def least_trials(self) -> int | None:
        """How many trials must have a value at a length before the searcher learns from that length rather than from a shorter one.

        None: it learns from trials of full length only, or from none at all.
        """

    @abstractmethod
    def size(self, space: Space) -> int | None:
        """Return how many configurations there are to propose; None when there is no end."""

    @abstractmethod
    def listed(self, space: Space, seed: int) -> Iterator[Assignment] | None:
        """Return all proposals, of a searcher that learns from nothing and lists them beforehand; None of any other."""
