"""CMA-ES: a normal distribution that moves to, and takes the shape of, the good region."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from optuna.samplers import BaseSampler
from pydantic import Field

from raysearch.errors import SpecError
from raysearch.search.searchers._evolution import CmaSampler
from raysearch.search.searchers._flat import distributions
from raysearch.search.searchers.base import SearcherConfig
from raysearch.spec.domains import Choice

if TYPE_CHECKING:
    from raysearch.spec.space import Space


class Config(SearcherConfig):
    """Covariance matrix adaptation, for spaces of numbers and ordered values.

    Hansen and Ostermeier, "Completely derandomized self-adaptation in evolution strategies", Evolutionary Computation 9, 2001, in
    the package cmaes. For hundreds of trials over values that depend on each other. Every value is scaled to [0, 1], in the
    logarithm where the domain says so; whole numbers and steps are rounded.

    Differs from the paper: the distribution is built anew from all complete trials before each question, a population at a time
    in the order of their numbers, so that it needs no state and takes trials that it did not propose (published ones) and those
    that end late. When it has converged it starts again, at its full width, from the best trial.
    """

    kind: Literal["cmaes"] = "cmaes"
    several: ClassVar[bool] = False

    population: int | None = Field(None, ge=3)
    """Trials from which the distribution takes one step; 4 + 3 log(number of values) when it is not given."""

    spread: float = Field(0.25, gt=0, le=1)
    """Standard deviation at the start, as a share of each range; the mean is the middle."""

    def build(self, space: Space, seed: int, objectives: int = 1) -> BaseSampler:
        """Build the sampler.

        Raises:
            SpecError: a domain is a choice or a branch, which has no numbers, or there are fewer than two domains.
        """
        self._require_numbers(space)
        return CmaSampler(distributions(space), seed % 2**31, self.population, self.spread)

    @property
    def least_trials(self) -> int:
        """Return how many trials a step needs."""
        return self.population or 6

    def size(self, space: Space) -> int | None:
        """Return None: there is no end.

        Raises:
            SpecError: see `build`.
        """
        self._require_numbers(space)
        return None

    def listed(self, space: Space, seed: int) -> None:
        """Return None: nothing is known beforehand."""
        return None

    @staticmethod
    def _require_numbers(space: Space) -> None:
        for entry in space.entries:
            if isinstance(entry.domain, Choice):
                what = "branches" if entry.domain.branches else "choices without an order"
                raise SpecError(
                    f"{entry.name} has {what}, and CMA-ES searches numbers only",
                    remedy="write ordered: where the values have an order, or use searcher: {kind: tpe}",
                )
        if len(space.entries) < 2:
            raise SpecError("CMA-ES needs at least two values to search", remedy="use searcher: {kind: gp}")
