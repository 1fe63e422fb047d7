"""Optuna samplers for populations that evolve. Their state is a function of the trials in the study and of the seed.

Optuna's own keep generations, parents and pickled optimizers as attributes of trials, which are gone when a study is rebuilt from
its journal.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from cmaes import CMA
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, NSGAIIISampler, NSGAIISampler, RandomSampler
from optuna.trial import TrialState

from raysearch.search.searchers._unit import unit_of, value_at

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


class WholeSampler(BaseSampler):
    """Samples every domain together; at random when there is nothing to learn from yet."""

    def __init__(self, distributions: Mapping[str, BaseDistribution], seed: int) -> None:
        self._distributions = dict(distributions)
        self._random = RandomSampler(seed=seed)

    @abstractmethod
    def child(self, study: Study, trials: list[FrozenTrial]) -> dict[str, Any]:
        """Return values made from complete trials, in the order of their numbers; those that are left out are drawn at random."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return every domain."""
        return self._distributions

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """Return the child of the complete trials."""
        return self.child(study, study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # Optuna's interface
        """Draw a value at random."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)


class GeneticSampler(WholeSampler):
    """Chooses parents among all complete trials and crosses and mutates them, with Optuna's operators.

    Args:
        genes: an Optuna sampler whose operators are used, and nothing else of it.
        population: how many parents there are; before there are as many trials, values are drawn at random.
    """

    def __init__(
        self,
        distributions: Mapping[str, BaseDistribution],
        seed: int,
        genes: NSGAIISampler | NSGAIIISampler,
        population: int,
    ) -> None:
        super().__init__(distributions, seed)
        self._select = genes._elite_population_selection_strategy
        self._cross = genes._child_generation_strategy
        self._population = population

    def child(self, study: Study, trials: list[FrozenTrial]) -> dict[str, Any]:
        """Return a child of the fittest."""
        if len(trials) < self._population:
            return {}
        return dict(self._cross(study, self._distributions, self._select(study, trials)))


class CmaSampler(WholeSampler):
    """Adapts a normal distribution to the complete trials, a population at a time, and draws from it.

    Args:
        population: trials of a step; the one that theory suggests for the number of domains when it is None.
        spread: standard deviation at the start, as a share of each range.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution], seed: int, population: int | None, spread: float) -> None:
        super().__init__(distributions, seed)
        self._seed = seed
        self._start = population
        self._spread = spread

    def child(self, study: Study, trials: list[FrozenTrial]) -> dict[str, Any]:
        """Return a draw from the distribution to which all trials lead."""
        names = list(self._distributions)
        sign = -1.0 if study.direction.name == "MAXIMIZE" else 1.0
        bounds = np.tile([0.0, 1.0], (len(names), 1))
        model = CMA(np.full(len(names), 0.5), self._spread, bounds=bounds, seed=self._seed, population_size=self._start)
        size = model.population_size
        for first in range(0, len(trials) - size + 1, size):
            model.tell([(self._point(trial, names), sign * (trial.value or 0.0)) for trial in trials[first : first + size]])
            if model.should_stop():  # it has converged: a wider distribution starts where it ended
                best = min(trials[: first + size], key=lambda trial: sign * (trial.value or 0.0))
                model = CMA(self._point(best, names), self._spread, bounds=bounds, seed=self._seed, population_size=size)
        point = model.ask()
        return {name: value_at(self._distributions[name], float(unit)) for name, unit in zip(names, point, strict=True)}

    def _point(self, trial: FrozenTrial, names: list[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([unit_of(self._distributions[name], trial.params[name]) for name in names])
