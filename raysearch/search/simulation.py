"""A search without training: simulated asynchronous workers on a surrogate, the study's own searcher and scheduler, no Ray.

The clock is simulated: a worker asks for a trial, every rung of it takes the surrogate's time, its value is shown to the scheduler,
and the searcher is told of the end, in the order in which these things would happen on a cluster.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from raysearch.results.events import Status
from raysearch.rng import seed_of
from raysearch.search.surrogates.base import Course, Surrogate
from raysearch.spec.domains import Leaf


class Policy(Protocol):
    """A way to search: what a driver asks its searcher and scheduler."""

    def suggest(self, number: int) -> Mapping[str, Leaf] | None:
        """Return values for the trial ``number``, None when there are no more."""

    def report(self, number: int, step: int, values: tuple[float, ...]) -> bool:
        """Take what is measured after a rung, of each objective, and return whether the trial goes on."""

    def tell(self, number: int, status: Status, values: tuple[float, ...] | None) -> None:
        """Take the end of a trial, with what was measured last; None where that is no number."""


@dataclass
class SimulatedTrial:
    """One trial of a simulated search.

    Attributes:
        course: what it would do.
        step: rungs done.
        status: None while it runs.
        ended: simulated time, in seconds.
    """

    number: int
    values: Mapping[str, Leaf]
    course: Course
    step: int = 0
    status: Status | None = None
    ended: float = 0.0


@dataclass
class Simulated:
    """A simulated search.

    Attributes:
        trials: by number.
        incumbents: (time, truth) whenever the trial that a user would pick changes: the one of full length with the best measured
            value; truth is its noise-free value.
    """

    trials: list[SimulatedTrial] = field(default_factory=list)
    incumbents: list[tuple[float, float]] = field(default_factory=list)

    def truth_at(self, time: float) -> float:
        """Return the noise-free value of the incumbent at a time; NaN before there is one."""
        found = [truth for moment, truth in self.incumbents if moment <= time]
        return found[-1] if found else float("nan")

    def time_to(self, target: float, mode: str) -> float:
        """Return when the incumbent's noise-free value first reached a target, in seconds; infinite if it never did."""
        sign = 1 if mode == "max" else -1
        return next((moment for moment, truth in self.incumbents if sign * truth >= sign * target), float("inf"))


def simulate(surrogate: Surrogate, policy: Policy, *, workers: int, seconds: float, seed: int) -> Simulated:
    """Search until the simulated time is over; what is running then is lost.

    Args:
        seed: of the surrogate's noise.
    """
    search = Simulated()
    sign = 1 if surrogate.mode == "max" else -1
    best = -np.inf
    queue: list[tuple[float, int]] = []

    def start(now: float) -> None:
        number = len(search.trials)
        values = policy.suggest(number)
        if values is not None:
            course = surrogate.course(values, seed_of(seed, "trial", number))
            search.trials.append(SimulatedTrial(number, values, course))
            heapq.heappush(queue, (now + course.seconds, number))

    for _ in range(workers):
        start(0.0)
    while queue and queue[0][0] <= seconds:
        now, number = heapq.heappop(queue)
        trial = search.trials[number]
        value = float(trial.course.values[trial.step])
        values = (value,) if surrogate.reference is None else (value, trial.course.second)
        trial.step += 1
        full = trial.step == surrogate.rungs
        if not np.isfinite(value):
            trial.status = "diverged"
        elif not policy.report(number, trial.step, values) and not full:
            trial.status = "stopped"
        elif full:
            trial.status = "finished"
        if trial.status is None:
            heapq.heappush(queue, (now + trial.course.seconds, number))
            continue
        trial.ended = now
        policy.tell(number, trial.status, values if trial.status != "diverged" else None)
        if trial.status == "finished" and sign * value > best:
            best = sign * value
            search.incumbents.append((now, trial.course.truth))
        start(now)
    return search
