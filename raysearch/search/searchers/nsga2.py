"""NSGA-II: a population of parents that is crossed and mutated, for several objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from optuna.samplers import BaseSampler, NSGAIISampler
from pydantic import Field

from raysearch.search.searchers._evolution import GeneticSampler
from raysearch.search.searchers._flat import distributions
from raysearch.search.searchers.base import SearcherConfig

if TYPE_CHECKING:
    from raysearch.spec.space import Space


class Config(SearcherConfig):
    """Non-dominated sorting with crowding distances.

    Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
    Transactions on Evolutionary Computation 6, 2002.

    Differs from the paper: parents are chosen anew, from all trials of the search, before each question (the steady state, which
    suits workers that end at different times), and its operators are Optuna's: uniform crossover, and mutation by drawing anew.
    Domains of branches that were not chosen count with their defaults.
    """

    kind: Literal["nsga2"] = "nsga2"
    whole: ClassVar[bool] = True

    population: int = Field(20, ge=4)
    """How many parents there are; as many trials are drawn at random first."""

    crossover: float = Field(0.9, ge=0, le=1)
    """Probability that a child has two parents."""

    mutation: float | None = Field(None, ge=0, le=1)
    """Probability of each value to be drawn anew; one over the number of values when it is not given."""

    def build(self, space: Space, seed: int, objectives: int = 1) -> BaseSampler:
        """Build the sampler."""
        genes = NSGAIISampler(
            population_size=self.population, crossover_prob=self.crossover, mutation_prob=self.mutation, seed=seed % 2**32
        )
        return GeneticSampler(distributions(space), seed % 2**32, genes, self.population)

    @property
    def least_trials(self) -> int:
        """Return how many trials make a population."""
        return self.population

    def size(self, space: Space) -> int | None:
        """Return None: there is no end."""
        return None

    def listed(self, space: Space, seed: int) -> None:
        """Return None: nothing is known beforehand."""
        return None
