"""Median stopping: a trial that is below the average trial at the same length is stopped."""

from __future__ import annotations

import statistics
from typing import Literal

from pydantic import Field

from raysearch.search.schedulers._rungs import HalvingConfig, Rungs
from raysearch.search.schedulers.base import Scheduler, Scores


class Config(HalvingConfig):
    """The median stopping rule.

    Golovin et al., "Google Vizier: a service for black-box optimization", KDD 2017, section 3.2.1: a trial is stopped when the best
    value that it has reported lies below the median of the running averages that the other trials had at that length.

    Decided here: trials are compared at the rungs only, ``reduction`` apart (so that rungs can be checked as those of ASHA are),
    and the first ``least`` trials at a rung go on. With several objectives a trial is stopped when it is below the median in each.
    """

    kind: Literal["median"] = "median"

    least: int = Field(5, ge=1)
    """Other trials that must have reached a rung before one is stopped there."""

    def build(self, steps: int) -> Scheduler:
        """Build the scheduler with empty rungs."""
        return _Median(Rungs(self.rungs(steps), steps, check=self.check), self.least)


class _Median(Scheduler):
    """See `Config`."""

    def __init__(self, rungs: Rungs, least: int) -> None:
        self._rungs = rungs
        self._least = least
        self._best: dict[int, Scores] = {}
        self._sums: dict[int, tuple[int, Scores]] = {}
        self._averages: dict[int, dict[int, Scores]] = {}

    def report(self, trial: int, step: int, scores: Scores) -> bool:
        """Enter the trial in the rungs that it has reached; see `Scheduler.report`."""
        best = tuple(map(max, self._best.get(trial, scores), scores))
        count, sums = self._sums.get(trial, (0, tuple(0.0 for _ in scores)))
        count, sums = count + 1, tuple(total + score for total, score in zip(sums, scores, strict=True))
        self._best[trial], self._sums[trial] = best, (count, sums)
        new = self._rungs.enter(trial, step, scores)
        behind = [self._behind(rung, best) for rung in new if rung in self._rungs.telling()]
        for rung in new:
            self._averages.setdefault(rung, {})[trial] = tuple(total / count for total in sums)
        return self._rungs.spared(trial) or not any(behind)

    def telling(self) -> tuple[int, ...]:
        """Return the rungs that predict the end."""
        return self._rungs.telling()

    def _behind(self, rung: int, best: Scores) -> bool:
        others = list(self._averages.get(rung, {}).values())
        if len(others) < self._least:
            return False
        medians = [statistics.median(column) for column in zip(*others, strict=True)]
        return all(mine < median for mine, median in zip(best, medians, strict=True))
