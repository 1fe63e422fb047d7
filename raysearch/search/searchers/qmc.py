"""Quasi-random search: points that fill the space more evenly than random ones."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from optuna.samplers import BaseSampler, RandomSampler
from scipy.stats.qmc import Sobol

from raysearch.search.searchers._flat import asked
from raysearch.search.searchers._unit import PointSuggester
from raysearch.search.searchers.base import SearcherConfig

if TYPE_CHECKING:
    from raysearch.spec.space import Assignment, Space

_BLOCK = 64


class Config(SearcherConfig):
    """A scrambled Sobol sequence with one dimension for every domain, those of branches included.

    Sobol 1967, with the scrambling of Owen 1998 (SciPy's). Bousquet et al., "Critical hyper-parameters: no random, no cry",
    arXiv:1706.03200: never worse than random search, and better where few values matter. Constraints pass points over, so that
    what is left is as even as the space allows.
    """

    kind: Literal["qmc"] = "qmc"

    def build(self, space: Space, seed: int, objectives: int = 1) -> BaseSampler:
        """Build Optuna's random sampler, which is never asked: see `listed`."""
        return RandomSampler(seed=seed % 2**32)

    @property
    def least_trials(self) -> None:
        """Return None: nothing is learned from trials."""
        return None

    def size(self, space: Space) -> int | None:
        """Return None: there is no end."""
        return None

    def listed(self, space: Space, seed: int) -> Iterator[Assignment]:
        """Return the assignments at the points of the sequence that meet the space's constraints."""
        names = [entry.name for entry in space.entries]
        sequence = Sobol(max(1, len(names)), scramble=True, rng=seed % 2**32)
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # blocks are powers of two, and the sequence is read on and on
                points = sequence.random(_BLOCK)
            for point in points:
                suggester = PointSuggester(dict(zip(names, map(float, point), strict=False)))
                assignment = asked(space, suggester, whole=False)
                if space.allows(assignment):
                    yield assignment
