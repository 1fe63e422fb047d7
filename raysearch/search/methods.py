"""Ways to search that can be compared on a surrogate: a study's own searcher and scheduler, and what others do with Optuna.

The others' mistakes are repeated here on purpose; none of it is used by a study.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import TrialState

from raysearch.component import find
from raysearch.results.events import Leaf, Status
from raysearch.results.goals import Goal, Goals
from raysearch.rng import seed_of
from raysearch.search import elsewhere
from raysearch.search.proposals import Proposer
from raysearch.search.schedulers._rungs import geometric
from raysearch.search.schedulers.base import Scheduler, SchedulerConfig, Scores
from raysearch.search.searchers.base import SearcherConfig
from raysearch.search.simulation import Policy
from raysearch.search.surrogates.base import Surrogate


def goals_of(surrogate: Surrogate) -> Goals:
    """Return what a study would state as its objectives; a second one is wanted small."""
    goal = Goal("value", "max" if surrogate.mode == "max" else "min")
    return Goals((goal,) if surrogate.reference is None else (goal, Goal("second", "min")))


class StudyPolicy:
    """What a study does.

    Args:
        published: values that are tried first.
    """

    def __init__(
        self,
        surrogate: Surrogate,
        searcher: SearcherConfig,
        scheduler: SchedulerConfig,
        seed: int,
        published: Sequence[Mapping[str, Leaf]] = (),
    ) -> None:
        self._goals = goals_of(surrogate)
        self._scheduler = scheduler.build(surrogate.rungs)
        self._proposer = Proposer(surrogate.space, searcher, self._goals, seed, published, self._scheduler.telling)

    def suggest(self, number: int) -> Mapping[str, Leaf] | None:
        """Ask the searcher."""
        proposal = self._proposer.suggest(number)
        return None if proposal is None else proposal.values

    def report(self, number: int, step: int, values: Scores) -> bool:
        """Tell both, ask the scheduler."""
        self._proposer.report(number, step, values)
        return self._scheduler.report(number, step, _signed(self._goals, values))

    def tell(self, number: int, status: Status, values: Scores | None) -> None:
        """Tell the searcher."""
        self._proposer.tell(number, status, values)


class OptunaPolicy:
    """Optuna's default sampler, driven as others drive it. The scheduler sees the first objective only, as theirs do.

    Args:
        stopped: how a stopped trial is told. ``value``: as a complete trial with the value that it had then, as Ray Tune's Optuna
            searcher does. ``pruned``: with its intermediate values, as Optuna's own pruning does.
        diverged: ``failed``, or ``running``: never told, as Ray Tune's Optuna searcher does with a value that is no number.
    """

    def __init__(
        self,
        surrogate: Surrogate,
        scheduler: Scheduler,
        seed: int,
        *,
        stopped: Literal["value", "pruned"],
        diverged: Literal["failed", "running"],
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = surrogate.space
        self._goals = goals_of(surrogate)
        self._scheduler = scheduler
        self._stopped, self._diverged = stopped, diverged
        directions = [StudyDirection.MAXIMIZE if goal.mode == "max" else StudyDirection.MINIMIZE for goal in self._goals.goals]
        self._study = optuna.create_study(directions=directions, sampler=optuna.samplers.TPESampler(seed=seed % 2**32))
        self._trials: dict[int, optuna.Trial] = {}

    def suggest(self, number: int) -> Mapping[str, Leaf]:
        """Ask Optuna."""
        self._trials[number] = self._study.ask()
        return self._space.sample(self._trials[number])

    def report(self, number: int, step: int, values: Scores) -> bool:
        """Keep the value for Optuna, ask the scheduler."""
        if self._stopped == "pruned" and not self._goals.several:
            self._trials[number].report(values[0], step)
        return self._scheduler.report(number, step, _signed(self._goals, values)[:1])

    def tell(self, number: int, status: Status, values: Scores | None) -> None:
        """Tell Optuna."""
        trial = self._trials.pop(number)
        if status == "diverged":
            if self._diverged == "failed":
                self._study.tell(trial, state=TrialState.FAIL)
        elif status == "stopped" and self._stopped == "pruned":
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, values)


def _signed(goals: Goals, values: Scores) -> Scores:
    return tuple(goal.signed(value) for goal, value in zip(goals.goals, values, strict=True))


class RayAsha(Scheduler):
    """Ray Tune's ASHA, as it decides in Ray 2.60 by default (one bracket, first rung 1, reduction 4).

    A trial is compared with the quantile of those that reached the rung before it, itself not included; the first one goes on.
    """

    def __init__(self, rungs: Sequence[int], reduction: int = 4) -> None:
        self._rungs: dict[int, list[float]] = {rung: [] for rung in rungs}
        self._quantile = 1 - 1 / reduction

    def report(self, trial: int, step: int, scores: Scores) -> bool:
        """Compare at a rung."""
        if step not in self._rungs:
            return True
        before = self._rungs[step]
        goes_on = not before or scores[0] >= float(np.quantile(before, self._quantile))
        before.append(scores[0])
        return goes_on

    def telling(self) -> tuple[int, ...]:
        """Return all rungs: nobody checks them."""
        return tuple(self._rungs)


@dataclass(frozen=True)
class Method:
    """A way to search.

    Attributes:
        words: what it is, in a line.
        policy: makes it for a surrogate and a seed.
        fits: whether it can be made for a surrogate.
    """

    words: str
    policy: Callable[[Surrogate, int], Policy]
    fits: Callable[[Surrogate], bool] = lambda surrogate: True


def searcher_of(kind: str, **fields: object) -> SearcherConfig:
    """Return a searcher by kind and fields."""
    found = find("raysearch.search.searchers", kind).parse({"kind": kind, **fields})
    assert isinstance(found, SearcherConfig)
    return found


def scheduler_of(kind: str, **fields: object) -> SchedulerConfig:
    """Return a scheduler by kind and fields."""
    found = find("raysearch.search.schedulers", kind).parse({"kind": kind, **fields})
    assert isinstance(found, SchedulerConfig)
    return found


def _study(words: str, searcher: Mapping[str, Any], scheduler: Mapping[str, Any]) -> Method:
    def policy(surrogate: Surrogate, seed: int) -> Policy:
        return StudyPolicy(surrogate, searcher_of(**searcher), scheduler_of(**scheduler), seed)

    return Method(words, policy)


def _transfer(words: str, factors: Mapping[str, float]) -> Method:
    def default(surrogate: Surrogate, seed: int, published: Sequence[Mapping[str, Leaf]] = ()) -> StudyPolicy:
        return StudyPolicy(surrogate, searcher_of("tpe"), scheduler_of("asha"), seed, published)

    def policy(surrogate: Surrogate, seed: int) -> Policy:
        earlier, earlier_seed = elsewhere.Elsewhere(surrogate, factors), seed_of(seed, "earlier run")
        published = elsewhere.handed_on(earlier, default(earlier, earlier_seed), earlier_seed)
        return default(surrogate, seed, published)

    return Method(words, policy, elsewhere.fits)


def _optuna(words: str, scheduler: Callable[[int], Scheduler], **how: Any) -> Method:
    def policy(surrogate: Surrogate, seed: int) -> Policy:
        return OptunaPolicy(surrogate, scheduler(surrogate.rungs), seed_of(seed, "optuna"), **how)

    return Method(words, policy)


def _fifo(rungs: int) -> Scheduler:
    return scheduler_of("fifo").build(rungs)


def _halving(rungs: int) -> Scheduler:
    return scheduler_of("asha", first_rung=1, reduction=4, check=False).build(rungs)


def _ray_asha(rungs: int) -> Scheduler:
    return RayAsha(geometric(1, 4, rungs))


METHODS: dict[str, Method] = {
    "raysearch": _study("a study's defaults: TPE over rungs, ASHA with checked rungs", {"kind": "tpe"}, {"kind": "asha"}),
    "raysearch-full": _study("TPE over full-length trials only, ASHA", {"kind": "tpe", "fidelity": "full"}, {"kind": "asha"}),
    "raysearch-unchecked": _study("TPE over rungs, ASHA without the check", {"kind": "tpe"}, {"kind": "asha", "check": False}),
    "raysearch-fifo": _study("TPE, no early stopping", {"kind": "tpe"}, {"kind": "fifo"}),
    "raysearch-transfer": _transfer("the defaults, after --transfer from a run on a related problem", elsewhere.RELATED),
    "raysearch-misled": _transfer("the same from a problem whose best learning rate is a hundredth", elsewhere.MISLEADING),
    "random": _study("random search, no early stopping", {"kind": "random"}, {"kind": "fifo"}),
    "random-asha": _study("random search, ASHA with checked rungs", {"kind": "random"}, {"kind": "asha"}),
    "optuna": _optuna("bare Optuna: its default TPE, no early stopping", _fifo, stopped="pruned", diverged="failed"),
    "optuna-pruning": _optuna(
        "bare Optuna: TPE told of pruned trials, successive halving", _halving, stopped="pruned", diverged="failed"
    ),
    "ray": _optuna(
        "Ray Tune's way: its ASHA, its OptunaSearch and what that tells Optuna", _ray_asha, stopped="value", diverged="running"
    ),
}
"""By name; the first one is what a study does by default, and what the others are compared with."""
