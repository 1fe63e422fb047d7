"""Ways to search that can be compared on a surrogate: a study's own searcher and scheduler, and what others do with Optuna.

The others' mistakes are repeated here on purpose; none of it is used by a study.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import TrialState

from raysearch.component import find
from raysearch.results.events import Leaf, Status
from raysearch.results.goals import Goals
from raysearch.rng import seed_of
from raysearch.search.proposals import Proposer
from raysearch.search.schedulers.base import Scheduler, SchedulerConfig
from raysearch.search.searchers.base import SearcherConfig
from raysearch.search.simulation import Policy
from raysearch.search.surrogates.base import Course, Surrogate


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
        mode: Literal["max", "min"] = "max" if surrogate.mode == "max" else "min"
        self._sign = 1 if mode == "max" else -1
        self._scheduler = scheduler.build(surrogate.rungs)
        self._proposer = Proposer(surrogate.space, searcher, Goals.one("value", mode), seed, published, self._scheduler.telling)

    def suggest(self, number: int) -> Mapping[str, Leaf] | None:
        """Ask the searcher."""
        proposal = self._proposer.suggest(number)
        return None if proposal is None else proposal.values

    def report(self, number: int, step: int, steps: int, value: float) -> bool:
        """Tell both, ask the scheduler."""
        self._proposer.report(number, step, value)
        return self._scheduler.report(number, step, (self._sign * value,))

    def tell(self, number: int, status: Status, value: float | None, course: Course) -> None:
        """Tell the searcher."""
        self._proposer.tell(number, status, value)


class OptunaPolicy:
    """Optuna's TPE, driven as others drive it.

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
        self._sign = 1 if surrogate.mode == "max" else -1
        self._scheduler = scheduler
        self._stopped, self._diverged = stopped, diverged
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(seed=seed % 2**32, multivariate=True, constant_liar=True)
        self._study = optuna.create_study(direction="maximize" if self._sign > 0 else "minimize", sampler=sampler)
        self._trials: dict[int, optuna.Trial] = {}

    def suggest(self, number: int) -> Mapping[str, Leaf]:
        """Ask Optuna."""
        self._trials[number] = self._study.ask()
        return self._space.sample(self._trials[number])

    def report(self, number: int, step: int, steps: int, value: float) -> bool:
        """Keep the value for Optuna, ask the scheduler."""
        if self._stopped == "pruned":
            self._trials[number].report(value, step)
        return self._scheduler.report(number, step, (self._sign * value,))

    def tell(self, number: int, status: Status, value: float | None, course: Course) -> None:
        """Tell Optuna."""
        trial = self._trials.pop(number)
        if status == "diverged":
            if self._diverged == "failed":
                self._study.tell(trial, state=TrialState.FAIL)
        elif status == "stopped" and self._stopped == "pruned":
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, value)


@dataclass(frozen=True)
class Method:
    """A way to search.

    Attributes:
        words: what it is, in a line.
        policy: makes it for a surrogate and a seed.
    """

    words: str
    policy: Callable[[Surrogate, int], Policy]


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


def _optuna(words: str, scheduler: Mapping[str, Any], **how: Any) -> Method:
    def policy(surrogate: Surrogate, seed: int) -> Policy:
        built = scheduler_of(**scheduler).build(surrogate.rungs)
        return OptunaPolicy(surrogate, built, seed_of(seed, "optuna"), **how)

    return Method(words, policy)


_RAY = {"kind": "asha", "first_rung": 1, "reduction": 4, "check": False}

METHODS: dict[str, Method] = {
    "raysearch": _study("a study's defaults: TPE over rungs, ASHA with checked rungs", {"kind": "tpe"}, {"kind": "asha"}),
    "raysearch-full": _study("TPE over full-length trials only, ASHA", {"kind": "tpe", "fidelity": "full"}, {"kind": "asha"}),
    "raysearch-unchecked": _study("TPE over rungs, ASHA without the check", {"kind": "tpe"}, {"kind": "asha", "check": False}),
    "raysearch-fifo": _study("TPE, no early stopping", {"kind": "tpe"}, {"kind": "fifo"}),
    "random": _study("random search, no early stopping", {"kind": "random"}, {"kind": "fifo"}),
    "random-asha": _study("random search, ASHA with checked rungs", {"kind": "random"}, {"kind": "asha"}),
    "optuna": _optuna("bare Optuna: TPE, no early stopping", {"kind": "fifo"}, stopped="pruned", diverged="failed"),
    "optuna-pruning": _optuna(
        "bare Optuna: TPE told of pruned trials, successive halving", _RAY, stopped="pruned", diverged="failed"
    ),
    "ray": _optuna("Ray Tune's way: its ASHA, OptunaSearch's tells", _RAY, stopped="value", diverged="running"),
}
"""By name; the first one is what a study does by default, and what the others are compared with."""
