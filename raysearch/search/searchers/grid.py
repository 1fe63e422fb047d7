"""Grid: every combination of the listed values once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from optuna.samplers import BaseSampler

from raysearch.search.searchers._listed import ListedSampler
from raysearch.search.searchers.base import SearcherConfig

if TYPE_CHECKING:
    from raysearch.spec.space import Space


class Config(SearcherConfig):
    """All assignments of a space whose domains are finite lists; the last domain varies fastest. The seed changes nothing."""

    kind: Literal["grid"] = "grid"

    def build(self, space: Space, seed: int) -> BaseSampler:
        """Build a sampler that goes through the grid.

        Raises:
            SpecError: a domain has no finite list of values.
        """
        return ListedSampler(list(space.grid()))

    def size(self, space: Space) -> int | None:
        """Return the number of combinations.

        Raises:
            SpecError: a domain has no finite list of values.
        """
        return sum(1 for _ in space.grid())
