"""No early stopping: every trial runs its full length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ray.tune.schedulers import FIFOScheduler

from raysearch.search.schedulers.base import SchedulerConfig

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


class Config(SchedulerConfig):
    """First in, first out."""

    kind: Literal["fifo"] = "fifo"

    def build(self, metric: str, mode: Literal["max", "min"], steps: int) -> TrialScheduler:
        """Build Ray Tune's default scheduler."""
        return FIFOScheduler()

    def rungs(self, steps: int) -> tuple[int, ...]:
        """Return nothing: trials are compared at full length only."""
        return ()
