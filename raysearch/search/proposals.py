"""Optuna by ask and tell: where the configurations of a search come from. Knows nothing of Ray.

Optuna's study lives in memory and is told anew from the journal on every start, so nothing of Optuna is ever stored. Before each
question the sampler is built afresh from a seed that belongs to the proposal's number; a proposal is therefore a function of the
study's seed, its number and what was told before it, also across a resume.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from raysearch.errors import StateDamaged
from raysearch.results.events import Leaf, Status
from raysearch.results.record import TrialRecord
from raysearch.rng import seed_of
from raysearch.search.searchers._listed import PROPOSAL
from raysearch.search.searchers.base import SearcherConfig
from raysearch.spec.space import Space

_STATES: Mapping[Status, TrialState] = {
    "finished": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "diverged": TrialState.FAIL,
    "out_of_memory": TrialState.FAIL,
    "failed": TrialState.FAIL,
}


@dataclass(frozen=True)
class Proposal:
    """Values of the space's domains to try.

    Attributes:
        role: ``published`` for values that the study file gives, else ``suggested``.
    """

    role: Literal["published", "suggested"]
    values: dict[str, Leaf]


class Proposer:
    """Asks a searcher for configurations and tells it what became of them, each trial known by its number.

    A trial that was stopped early is told as pruned, with its intermediate values, so that a model never takes the value of a short
    trial for that of a full one. Trials that diverged, ran out of memory or failed are told as failed: they have no value.

    Args:
        metric: name of the objective.
        published: full assignments that are proposed first.
    """

    def __init__(
        self,
        space: Space,
        searcher: SearcherConfig,
        metric: str,
        mode: Literal["max", "min"],
        seed: int,
        published: Sequence[Mapping[str, Leaf]],
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = space
        self._searcher = searcher
        self._metric = metric
        self._seed = seed
        self._published = [dict(values) for values in published]
        size = searcher.size(space)
        self._limit = None if size is None else size + len(self._published)
        self._given = 0
        self._running: dict[int, optuna.Trial] = {}
        self._study = optuna.create_study(
            direction="maximize" if mode == "max" else "minimize", sampler=searcher.build(space, seed_of(seed, "searcher", "start"))
        )

    @property
    def study(self) -> optuna.Study:
        """Optuna's study, for reading."""
        return self._study

    def suggest(self, number: int) -> Proposal | None:
        """Propose values for the trial ``number``; None when the searcher has no more."""
        if self._limit is not None and self._given >= self._limit:
            return None
        fixed = self._published[self._given] if self._given < len(self._published) else None
        values = self._ask(number, fixed)
        return Proposal("suggested" if fixed is None else "published", values)

    def restore(self, record: TrialRecord) -> None:
        """Take a trial of an earlier driver: an ended one is told, one that was interrupted is running again.

        Call it for all trials, in the order of their numbers, before the first `suggest`.

        Raises:
            StateDamaged: the trial's values are not in the search space.
        """
        if not self._space.fits(record.values):
            raise StateDamaged(
                f"trial {record.number} has values that are not in the run's search space",
                remedy="restore resolved.yaml of the run",
            )
        if record.status is None:
            self._ask(record.number, record.values)
            for point in record.reports:
                self.report(record.number, point.step, point.metrics[self._metric])
            return
        recorded = _Recorded(record.values)
        self._space.sample(recorded)
        state = _STATES[record.status]
        trial = create_trial(
            state=state,
            value=record.value if state is TrialState.COMPLETE else None,
            params=recorded.params,
            distributions=recorded.distributions,
            intermediate_values={point.step: point.metrics[self._metric] for point in record.reports},
        )
        self._study.add_trial(trial)
        self._given += 1

    def report(self, number: int, step: int, value: float) -> None:
        """Tell an intermediate value of a running trial."""
        self._running[number].report(value, step)

    def tell(self, number: int, status: Status, value: float | None) -> None:
        """Tell how a trial ended."""
        state = _STATES[status]
        self._study.tell(self._running.pop(number), value if state is TrialState.COMPLETE else None, state=state)

    def _ask(self, number: int, fixed: Mapping[str, Leaf] | None) -> dict[str, Leaf]:
        self._study.sampler = self._searcher.build(self._space, seed_of(self._seed, "searcher", number))
        if fixed is not None:
            self._study.enqueue_trial(dict(fixed))
        trial = self._study.ask()
        trial.set_user_attr(PROPOSAL, self._given - len(self._published))
        self._given += 1
        self._running[number] = trial
        return self._space.sample(trial)


class _Recorded:
    """Answers a space's questions with recorded values and keeps the distributions that were asked for."""

    def __init__(self, values: Mapping[str, Leaf]) -> None:
        self._values = values
        self.params: dict[str, Any] = {}
        self.distributions: dict[str, BaseDistribution] = {}

    def _take(self, name: str, distribution: BaseDistribution) -> Any:
        self.distributions[name] = distribution
        self.params[name] = self._values[name]
        return self._values[name]

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        value: int = self._take(name, IntDistribution(low, high, log=log, step=step))
        return value

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        value: float = self._take(name, FloatDistribution(low, high, log=log, step=step))
        return value

    def suggest_categorical(self, name: str, choices: Sequence[Leaf]) -> Any:
        return self._take(name, CategoricalDistribution(list(choices)))
