"""Population based training: at each exchange, trials that are behind give way to children of those that are ahead."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Literal

from pydantic import Field

from raysearch.results.events import Status
from raysearch.search.schedulers._rungs import behind
from raysearch.search.schedulers.base import Breeder, SchedulerConfig, Scores, Vacancy

Factor = Annotated[float, Field(gt=0)]


class Config(SchedulerConfig):
    """Population based training, each member's life told as a line of trials.

    Jaderberg et al., "Population based training of neural networks", arXiv 1711.09846 (truncation selection, perturb or resample).
    The searcher proposes the first ``population`` configurations. At every exchange (a multiple of ``every`` steps) a trial is
    compared with all that have reached the same step: it is stopped if at least ``1 - quantile`` of the others are better, and a
    *child* takes its place: a new trial that begins from the checkpoint which one of the best had at that step, under that donor's
    configuration with its numbers changed (`raysearch.search.perturbing` says which and how). A trial that diverges or fails gives
    its place to a child at the next exchange. What is found is a schedule, so it is a schedule that the confirmation trains.

    Decided here: trials are compared at equal length. With as many workers as members none waits for another, and while few have
    come to an exchange a trial is judged by the one before. With fewer workers the members take turns: one that comes to an
    exchange rests until those behind it have come there too. The search ends when the last member does.
    """

    kind: Literal["pbt"] = "pbt"

    population: int = Field(8, ge=2)
    """Members: trials that are alive at a time, by turns where there are fewer workers."""

    every: int | None = Field(None, ge=1)
    """Optimisation steps between two exchanges, a multiple of the trial's ``evaluate.every``; a tenth of the full length when it is
    not given."""

    quantile: float = Field(0.25, gt=0, le=0.5)
    """Share of the members that give way at an exchange, and share of those from which the donors are drawn."""

    factors: tuple[Factor, ...] = Field((0.8, 1.25), min_length=1)
    """A changed number is multiplied by one of these; where values have an order, a factor below 1 takes the next one down."""

    resample: float = Field(0.2, ge=0, le=1)
    """Probability with which a number is drawn anew from its whole range instead."""

    def build(self, steps: int) -> Breeder:
        """Build the scheduler with an empty population."""
        return _Pbt(self.rungs(steps), self.population, self.quantile)

    def rungs(self, steps: int) -> tuple[int, ...]:
        """Return the exchanges."""
        return tuple(range(self.interval(steps), steps, self.interval(steps)))

    def interval(self, steps: int) -> int:
        """Return the steps between two exchanges for trials of ``steps`` steps."""
        return self.every or max(1, steps // 10)

    @property
    def founders(self) -> int | None:
        """Return how many configurations the searcher proposes."""
        return self.population


class _Pbt(Breeder):
    """See `Config`.

    A line of trials (a member) enters each exchange once: a child begins behind the exchange at which its place became free.
    """

    def __init__(self, exchanges: tuple[int, ...], population: int, quantile: float) -> None:
        self._population = population
        self._quantile = quantile
        self._entered: dict[int, dict[int, Scores]] = {step: {} for step in exchanges}
        self._began: dict[int, int] = {}
        self._gave_way: dict[int, int] = {}
        self._open: list[int] = []

    def report(self, trial: int, step: int, scores: Scores) -> bool:
        """Enter the trial in the exchange, if it is one; see `Scheduler.report`."""
        entered = self._entered.get(step)
        if entered is None or step <= self._began.get(trial, 0):
            return True
        entered[trial] = scores
        if not self.gives_way(trial):
            return True
        self._leave(trial, step)
        return False

    def gives_way(self, trial: int) -> bool:
        """Judge a trial by its last exchange or, while few have come there, by the one before; True for one that has given way."""
        if trial in self._gave_way:
            return True
        steps = [step for step, entered in reversed(self._entered.items()) if trial in entered][:2]
        judged = (step for step in steps if len(self._entered[step]) > self._population // 2)
        return any(self._in_last_quantile(trial, step) for step in _first(judged))

    def _in_last_quantile(self, trial: int, step: int) -> bool:
        entered = self._entered[step]
        others = [scores for other, scores in entered.items() if other != trial]
        return behind(entered[trial], others) >= (1 - self._quantile) * len(others)

    def _leave(self, trial: int, step: int) -> None:
        self._gave_way[trial] = step
        self._open.append(step)

    def telling(self) -> tuple[int, ...]:
        """Return nothing: the value of a line of trials says little about the configuration that it began with."""
        return ()

    def vacancy(self) -> Vacancy | None:
        """Return the first place that is free and has donors."""
        found = ((step, self.donors(step)) for step in self._open)
        return next((Vacancy(step, donors) for step, donors in found if donors), None)

    def donors(self, step: int) -> tuple[int, ...]:
        """Return the best quantile of those that have reached an exchange and went on, best first."""
        entered = self._entered[step]
        ranked = sorted(entered, key=lambda trial: (behind(entered[trial], entered.values()), trial))
        best = ranked[: math.ceil(self._quantile * len(entered))]
        return tuple(trial for trial in best if self._gave_way.get(trial) != step)

    def born(self, trial: int, step: int) -> None:
        """Take that a child has begun."""
        self._began[trial] = step
        if step in self._open:
            self._open.remove(step)

    def ended(self, trial: int, how: Status) -> None:
        """Free the place of a trial that was stopped at its exchange, or, after an accident, at the exchange that comes next."""
        if trial in self._gave_way or how in ("finished", "infeasible"):
            return
        entered = [step for step, trials in self._entered.items() if trial in trials]
        last = max((self._began.get(trial, 0), *entered))
        if how == "stopped" and entered:
            self._leave(trial, last)
        elif how != "stopped":
            self._open.extend(_first(step for step in self._entered if step > last))

    def open(self) -> tuple[int, ...]:
        """Return the exchanges at which places are free."""
        return tuple(self._open)


def _first(steps: Iterable[int]) -> list[int]:
    return list(islice(steps, 1))
