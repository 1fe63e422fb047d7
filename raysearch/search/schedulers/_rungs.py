"""Rungs: training lengths at which trials are compared, and whether they predict the end."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from raysearch.results.rungs import Agreement, agreement, is_control
from raysearch.search.schedulers.base import SchedulerConfig, Scores


def geometric(first: int, factor: int, steps: int) -> tuple[int, ...]:
    """Return ``first * factor**k`` as long as it is below ``steps``."""
    found = []
    rung = first
    while rung < steps:
        found.append(rung)
        rung *= factor
    return tuple(found)


def behind(scores: Scores, others: Iterable[Scores]) -> int:
    """Return how many of ``others`` are better: larger with one objective, dominating (nowhere worse) with several."""
    return sum(other != scores and all(o >= s for o, s in zip(other, scores, strict=True)) for other in others)


class HalvingConfig(SchedulerConfig):
    """What schedulers that halve have in common."""

    first_rung: int | None = Field(None, ge=1)
    """Optimisation steps before a trial can be stopped; the full length over ``reduction**3`` when it is not given."""

    reduction: int = Field(3, ge=2)
    """One trial of so many goes on at each rung; rungs lie this factor apart."""

    check: bool = True
    """Let a few trials run their full length whatever happens, and pass over a rung while it is known to predict badly how they end
    (see `raysearch.results.rungs`)."""

    def rungs(self, steps: int) -> tuple[int, ...]:
        """Return ``first_rung * reduction**k`` as long as it is below ``steps``."""
        return geometric(self.first_rung or max(1, steps // self.reduction**3), self.reduction, steps)


class Rungs:
    """The trials that have reached each rung, and whether each rung predicts the end.

    A trial is entered once in every rung, with its first report at or after it. A trial with fewer steps at full length than the
    longest ones enters rungs, but nothing is learned from its end.
    """

    def __init__(self, rungs: tuple[int, ...], steps: int, *, check: bool) -> None:
        self._steps = steps
        self._check = check
        self._curves: dict[int, dict[int, Scores]] = {}
        self._ended: list[dict[int, Scores]] = []
        self._bad: frozenset[int] = frozenset()
        self.entered: dict[int, dict[int, Scores]] = {rung: {} for rung in rungs}

    def enter(self, trial: int, step: int, scores: Scores) -> list[int]:
        """Take a report; return the rungs that the trial has reached by it, ascending."""
        if self._check and is_control(trial):
            self._keep(trial, step, scores)
        new = [rung for rung, entered in self.entered.items() if rung <= step and trial not in entered]
        for rung in new:
            self.entered[rung][trial] = scores
        return new

    def spared(self, trial: int) -> bool:
        """Return whether a trial runs its full length whatever happens."""
        return self._check and is_control(trial)

    def telling(self) -> tuple[int, ...]:
        """Return the rungs that are not known to predict the end badly."""
        return tuple(rung for rung in self.entered if rung not in self._bad)

    def _keep(self, trial: int, step: int, scores: Scores) -> None:
        curve = self._curves.setdefault(trial, {})
        curve[step] = scores
        if step >= self._steps:
            self._ended.append(self._curves.pop(trial))
            self._bad = frozenset(rung for rung in self.entered if any(one.misleads for one in self._agreements(rung)))

    def _agreements(self, rung: int) -> list[Agreement]:
        objectives = range(len(next(iter(self._ended[0].values()))))
        return [agreement([{s: v[i] for s, v in curve.items()} for curve in self._ended], rung) for i in objectives]
