"""What a searcher config is: it builds an Optuna sampler (the word `sampler` is kept for patches elsewhere)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from raysearch.component import Config

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from raysearch.spec.space import Space


class SearcherConfig(Config, ABC):
    """Proposes configurations."""

    @abstractmethod
    def build(self, space: Space, seed: int) -> BaseSampler:
        """Build the Optuna sampler.

        Raises:
            SpecError: the searcher can't search this space (a grid over a continuous domain).
        """

    @abstractmethod
    def size(self, space: Space) -> int | None:
        """Return how many configurations there are to propose; None when there is no end."""
