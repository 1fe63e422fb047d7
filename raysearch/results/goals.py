"""What a study looks for, as numbers: its objectives, and the constraints on what a trial's outcome may be.

An objective or a name in a constraint is a metric that the trials evaluate, or a *fact*: ``parameters`` and ``macs_g``, which the
configuration decides before anything is trained, ``train_seconds`` and ``gpu_hours``, which grow while a trial runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from raysearch.errors import SpecError
from raysearch.results.events import Leaf
from raysearch.results.record import TrialRecord
from raysearch.spec.expression import Expression, bound

CONFIG_FACTS = ("parameters", "macs_g")
"""Facts that are known before a trial starts: trainable parameters, and multiply-adds in 1e9."""

FACTS = (*CONFIG_FACTS, "train_seconds", "gpu_hours")
"""Every fact; less is better."""

Scores = tuple[float, ...]
"""The objectives of a trial, in the study's order, each with the sign under which larger is better."""

Mode = Literal["max", "min"]


@dataclass(frozen=True)
class Goal:
    """One objective."""

    metric: str
    mode: Mode

    def signed(self, value: float) -> float:
        """Return a value with the sign under which larger is better; the same function undoes it."""
        return value if self.mode == "max" else -value


@dataclass(frozen=True)
class Goals:
    """The objectives, the first of which is the headline, and the constraints of a study.

    Attributes:
        bounds: comparisons such as ``macs_g <= 5``.
        gpus: GPUs of a trial, for the GPU hours.
    """

    goals: tuple[Goal, ...]
    bounds: tuple[Expression, ...] = ()
    gpus: float = 0.0

    @staticmethod
    def one(metric: str, mode: Mode) -> Goals:
        """Return a single objective without constraints."""
        return Goals((Goal(metric, mode),))

    @staticmethod
    def of(spec: Mapping[str, object]) -> Goals | None:
        """Read the objectives of a resolved study; None where it is not one."""
        stated = spec.get("objectives") or [spec.get("objective")]
        parts = [part for part in stated if isinstance(part, Mapping)] if isinstance(stated, list) else []
        goals = tuple(
            Goal(str(part["metric"]), "min" if part.get("mode") == "min" else "max") for part in parts if "metric" in part
        )
        try:
            bounds = tuple(bound(text) for part in parts for text in part.get("constraints") or ())
        except (SpecError, TypeError):  # a file that was edited: readers show what they can
            bounds = ()
        return Goals(goals, bounds, _gpus(spec)) if goals else None

    @property
    def headline(self) -> Goal:
        """The objective by which one trial is the best."""
        return self.goals[0]

    @property
    def several(self) -> bool:
        """Whether there is more than one objective."""
        return len(self.goals) > 1

    @property
    def only_known(self) -> Goals:
        """The same with those constraints only that a configuration decides before it is trained."""
        return replace(self, bounds=tuple(one for one in self.bounds if set(one.names) <= set(CONFIG_FACTS)))

    @property
    def needs_config_facts(self) -> bool:
        """Whether an objective or a constraint is about a fact that the configuration decides."""
        names = {goal.metric for goal in self.goals} | {name for one in self.bounds for name in one.names}
        return bool(names & set(CONFIG_FACTS))

    def value(self, name: str, metrics: Mapping[str, float], facts: Mapping[str, Leaf]) -> float:
        """Return a metric or a fact.

        Raises:
            KeyError: it is not there.
        """
        if name == "gpu_hours":
            return metrics["train_seconds"] * self.gpus / 3600
        found = metrics[name] if name in metrics else facts[name]
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise KeyError(name)
        return float(found)

    def known_value(self, name: str, metrics: Mapping[str, float], facts: Mapping[str, Leaf]) -> float | None:
        """Return a metric or a fact; None where it is not there."""
        try:
            return self.value(name, metrics, facts)
        except KeyError:
            return None

    def raw(self, metrics: Mapping[str, float], facts: Mapping[str, Leaf]) -> Scores:
        """Return the objectives as they are.

        Raises:
            KeyError: one is not there.
        """
        return tuple(self.value(goal.metric, metrics, facts) for goal in self.goals)

    def scores(self, metrics: Mapping[str, float], facts: Mapping[str, Leaf]) -> Scores:
        """Return the objectives, larger is better.

        Raises:
            KeyError: one is not there.
        """
        return tuple(goal.signed(value) for goal, value in zip(self.goals, self.raw(metrics, facts), strict=True))

    def excesses(self, metrics: Mapping[str, float], facts: Mapping[str, Leaf]) -> dict[str, float]:
        """Return for each constraint by how much it is missed; at most 0 where it holds, infinite where it can't be told."""
        found: dict[str, float] = {}
        for one in self.bounds:
            try:
                found[one.text] = one.excess(lambda name: self.value(name, metrics, facts))
            except (KeyError, ArithmeticError):
                found[one.text] = math.inf
        return found

    def violated(self, metrics: Mapping[str, float], facts: Mapping[str, Leaf]) -> str:
        """Return the first constraint that does not hold; empty when all do."""
        excesses = self.excesses(metrics, facts)
        return next((one.text for one in self.bounds if not _holds(one, excesses[one.text])), "")


def _holds(one: Expression, excess: float) -> bool:
    strict = getattr(one.tree, "signs", ("<=",))[0] in ("<", ">")
    return excess < 0 if strict else excess <= 0


def metrics_of(record: TrialRecord, goals: Goals) -> dict[str, float]:
    """Return the last metrics of a trial, its value at the end among them."""
    last = dict(record.reports[-1].metrics) if record.reports else {}
    return last if record.value is None else {**last, goals.headline.metric: record.value}


def scores_of(record: TrialRecord, goals: Goals) -> Scores | None:
    """Return the objectives of a trial, larger is better; None where one is missing or not finite."""
    try:
        scores = goals.scores(metrics_of(record, goals), record.facts)
    except KeyError:
        return None
    return scores if all(map(math.isfinite, scores)) else None


def _gpus(spec: Mapping[str, object]) -> float:
    resources = spec.get("resources")
    workers, each = (resources.get("workers"), resources.get("gpus_per_worker")) if isinstance(resources, Mapping) else (1, 0)
    numbers = all(isinstance(number, int | float) for number in (workers, each))
    return float(workers) * float(each) if numbers else 0.0  # type: ignore[arg-type]
