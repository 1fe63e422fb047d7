"""Grid: every combination of the listed values once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from optuna.samplers import BaseSampler, RandomSampler

from raysearch.search.searchers.base import SearcherConfig

if TYPE_CHECKING:
    from raysearch.spec.space import Assignment, Space


class Config(SearcherConfig):
    """All assignments of a space whose domains are finite lists; the last domain varies fastest. The seed changes nothing."""

    kind: Literal["grid"] = "grid"

    def build(self, space: Space, seed: int, objectives: int = 1) -> BaseSampler:
        """Build Optuna's random sampler, which is never asked: see `listed`.

        Raises:
            SpecError: a domain has no finite list of values.
        """
        space.grid()
        return RandomSampler(seed=seed % 2**32)

    @property
    def least_trials(self) -> None:
        """Return None: nothing is learned from trials."""
        return None

    def size(self, space: Space) -> int | None:
        """Return the number of combinations.

        Raises:
            SpecError: a domain has no finite list of values.
        """
        return sum(1 for _ in space.grid())

    def listed(self, space: Space, seed: int) -> Iterator[Assignment]:
        """Return the grid.

        Raises:
            SpecError: a domain has no finite list of values.
        """
        return space.grid()
