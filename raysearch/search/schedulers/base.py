"""What a scheduler config is: it builds a Ray Tune scheduler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

from raysearch.component import Config

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


class SchedulerConfig(Config, ABC):
    """Decides which trials go on."""

    @abstractmethod
    def build(self, metric: str, mode: Literal["max", "min"], steps: int) -> TrialScheduler:
        """Build the scheduler; its time attribute is ``step`` (optimisation steps), its longest trial ``steps``."""

    @abstractmethod
    def rungs(self, steps: int) -> tuple[int, ...]:
        """Return the steps at which trials are compared, ascending, without the full length."""
