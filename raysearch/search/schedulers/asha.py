"""ASHA: trials that are behind at a rung are stopped, without waiting for the others."""

from __future__ import annotations

from typing import Literal

from raysearch.search.schedulers._rungs import HalvingConfig, Rungs, behind
from raysearch.search.schedulers.base import Scheduler, Scores


class Config(HalvingConfig):
    """Asynchronous successive halving, one bracket, in its stopping form.

    Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020. A trial that reaches a rung goes on only if it
    is among the best ``1 / reduction`` of the trials that have reached the rung so far, itself included; the first ones always go
    on. Nothing is paused or promoted later (there the paper differs). The last report of a trial is never a reason to stop it.

    Ours: a rung at which the order of trials does not predict their order at the end (`raysearch.results.rungs`) is passed over
    until it does.
    """

    kind: Literal["asha"] = "asha"

    def build(self, steps: int) -> Scheduler:
        """Build the scheduler with empty rungs."""
        return Asha(Rungs(self.rungs(steps), steps, check=self.check), self.reduction)


class Asha(Scheduler):
    """See `Config`."""

    def __init__(self, rungs: Rungs, reduction: int) -> None:
        self._rungs = rungs
        self._reduction = reduction

    @property
    def rungs(self) -> tuple[int, ...]:
        """Every rung, ascending."""
        return tuple(self._rungs.entered)

    def report(self, trial: int, step: int, scores: Scores) -> bool:
        """Enter the trial in the rungs that it has reached; see `Scheduler.report`."""
        new = self._rungs.enter(trial, step, scores)
        telling = self._rungs.telling()
        return self._rungs.spared(trial) or all(self._among_best(rung, scores) for rung in new if rung in telling)

    def telling(self) -> tuple[int, ...]:
        """Return the rungs that predict the end."""
        return self._rungs.telling()

    def _among_best(self, rung: int, scores: Scores) -> bool:
        entered = self._rungs.entered[rung]
        return behind(scores, entered.values()) < max(1, len(entered) // self._reduction)
