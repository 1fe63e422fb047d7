"""A learning rate that drops by a factor at milestones."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from raysearch.schedules.base import ScheduleConfig

Milestone = Annotated[float, Field(gt=0, lt=1)]


class Config(ScheduleConfig):
    """The peak times ``gamma`` to the power of the number of milestones passed."""

    kind: Literal["multistep"] = "multistep"

    milestones: tuple[Milestone, ...] = (0.5, 0.8)
    """Where the rate drops, as fractions of the steps after the warm-up, in rising order."""

    gamma: float = Field(0.1, gt=0, le=1)
    """Factor of each drop."""

    @model_validator(mode="after")
    def _milestones_rise(self) -> Self:
        if any(late <= early for early, late in zip(self.milestones, self.milestones[1:], strict=False)):
            raise ValueError(f"milestones must rise strictly, have {list(self.milestones)}")
        return self

    def decay(self, progress: float) -> float:
        """Return ``gamma`` to the power of the number of milestones that are not after ``progress``."""
        return float(self.gamma ** sum(progress >= milestone for milestone in self.milestones))
