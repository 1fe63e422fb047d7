"""Random search: every configuration is drawn independently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from optuna.samplers import BaseSampler, RandomSampler

from raysearch.search.searchers.base import SearcherConfig

if TYPE_CHECKING:
    from raysearch.spec.space import Space


class Config(SearcherConfig):
    """Draws each value uniformly (in the logarithm where the domain says ``log``).

    Bergstra and Bengio, "Random search for hyper-parameter optimization", JMLR 13, 2012: the baseline that a searcher has to beat.
    """

    kind: Literal["random"] = "random"

    def build(self, space: Space, seed: int, objectives: int = 1) -> BaseSampler:
        """Build Optuna's random sampler."""
        return RandomSampler(seed=seed % 2**32)

    @property
    def least_trials(self) -> None:
        """Return None: nothing is learned from trials."""
        return None

    def size(self, space: Space) -> int | None:
        """Return None: there is no end."""
        return None

    def listed(self, space: Space, seed: int) -> None:
        """Return None: nothing is known beforehand."""
        return None
