"""ASHA: trials that are behind at a rung are stopped, without waiting for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field
from ray.tune.schedulers import AsyncHyperBandScheduler

from raysearch.search.schedulers.base import SchedulerConfig

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


class Config(SchedulerConfig):
    """Asynchronous successive halving, one bracket, in Ray Tune's form.

    Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020. A trial that reaches a rung goes on only if it
    is in the best ``1 / reduction`` of the trials that reached the rung before it; the first ones always go on. Nothing is paused
    or promoted later (that is Ray's deviation from the paper). The last report of a trial is never a reason to stop it.
    """

    kind: Literal["asha"] = "asha"

    first_rung: int = Field(250, ge=1)
    """Optimisation steps before a trial can be stopped."""

    reduction: int = Field(2, ge=2)
    """One trial of so many goes on at each rung; rungs lie this factor apart."""

    def build(self, metric: str, mode: Literal["max", "min"], steps: int) -> TrialScheduler:
        """Build Ray Tune's scheduler with exactly the rungs of `rungs`."""
        rungs = self.rungs(steps)
        return AsyncHyperBandScheduler(
            time_attr="step",
            metric=metric,
            mode=mode,
            max_t=rungs[-1] + 0.5 if rungs else self.first_rung,  # no rung above the last: see Ray's count of rungs
            grace_period=self.first_rung,
            reduction_factor=self.reduction,
            brackets=1,
            stop_last_trials=False,
        )

    def rungs(self, steps: int) -> tuple[int, ...]:
        """Return ``first_rung * reduction**k`` as long as it is below ``steps``."""
        found = []
        rung = self.first_rung
        while rung < steps:
            found.append(rung)
            rung *= self.reduction
        return tuple(found)
