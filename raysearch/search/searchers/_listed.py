"""An Optuna sampler that proposes a list of assignments, in its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optuna.samplers import BaseSampler

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from raysearch.results.events import Leaf

PROPOSAL = "proposal"
"""User attribute of an Optuna trial: its rank, from 0, among the proposals that were not published ones."""


class ListedSampler(BaseSampler):
    """Gives the trial of rank k the k-th assignment; `raysearch.search.proposals` sets the rank before it asks for values."""

    def __init__(self, assignments: Sequence[Mapping[str, Leaf]]) -> None:
        self._assignments = assignments

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return nothing: every value is given by itself."""
        return {}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """Return nothing: every value is given by itself."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # Optuna's interface
        """Return the value that the assignment gives."""
        return self._assignments[trial.user_attrs[PROPOSAL]][param_name]
