"""No early stopping: every trial runs its full length."""

from __future__ import annotations

from typing import Literal

from raysearch.search.schedulers.base import Scheduler, SchedulerConfig, Scores


class Config(SchedulerConfig):
    """First in, first out."""

    kind: Literal["fifo"] = "fifo"

    def build(self, steps: int) -> Scheduler:
        """Build a scheduler that lets every trial go on."""
        return _Everything()

    def rungs(self, steps: int) -> tuple[int, ...]:
        """Return nothing: trials are compared at full length only."""
        return ()


class _Everything(Scheduler):
    def report(self, trial: int, step: int, scores: Scores) -> bool:
        return True

    def telling(self) -> tuple[int, ...]:
        return ()
