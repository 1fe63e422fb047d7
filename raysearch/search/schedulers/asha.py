"""ASHA: trials that are behind at a rung are stopped, without waiting for the others."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysearch.search.schedulers._rungs import behind, geometric, reached
from raysearch.search.schedulers.base import Scheduler, SchedulerConfig, Scores


class Config(SchedulerConfig):
    """Asynchronous successive halving, one bracket, in its stopping form.

    Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020. A trial that reaches a rung goes on only if it
    is among the best ``1 / reduction`` of the trials that have reached the rung so far, itself included; the first ones always go
    on. Nothing is paused or promoted later (there the paper differs). The last report of a trial is never a reason to stop it.
    """

    kind: Literal["asha"] = "asha"

    first_rung: int = Field(250, ge=1)
    """Optimisation steps before a trial can be stopped."""

    reduction: int = Field(2, ge=2)
    """One trial of so many goes on at each rung; rungs lie this factor apart."""

    def build(self, steps: int) -> Scheduler:
        """Build the scheduler with empty rungs."""
        return Asha(self.rungs(steps), self.reduction)

    def rungs(self, steps: int) -> tuple[int, ...]:
        """Return ``first_rung * reduction**k`` as long as it is below ``steps``."""
        return geometric(self.first_rung, self.reduction, steps)


class Asha(Scheduler):
    """See `Config`. Each trial is entered once in every rung, with its first report at or after it."""

    def __init__(self, rungs: tuple[int, ...], reduction: int) -> None:
        self._reduction = reduction
        self._entered: dict[int, dict[int, Scores]] = {rung: {} for rung in rungs}

    def report(self, trial: int, step: int, scores: Scores) -> bool:
        """Enter the trial in the rungs that it has reached; see `Scheduler.report`."""
        goes_on = True
        for rung in reached(self._entered, step):
            entered = self._entered[rung]
            if trial in entered:
                continue
            entered[trial] = scores
            goes_on &= behind(scores, entered.values()) < max(1, len(entered) // self._reduction)
        return goes_on
