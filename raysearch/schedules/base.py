"""What a learning-rate schedule is: a pure function of the step, so that a resumed run needs no state."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pydantic import Field

from raysearch.component import Config


class ScheduleConfig(Config, ABC):
    """Learning-rate schedule."""

    warmup_steps: int = Field(0, ge=0)
    """Steps of linear warm-up from 0 to the peak, before the schedule proper starts."""

    @abstractmethod
    def decay(self, progress: float) -> float:
        """Return the factor in [0, 1] at ``progress`` in [0, 1) of the steps after the warm-up."""

    def factor(self, step: int, steps: int) -> float:
        """Return the factor on the peak learning rate for the step with number ``step`` (from 0) of ``steps``."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        return self.decay((step - self.warmup_steps) / max(1, steps - self.warmup_steps))
