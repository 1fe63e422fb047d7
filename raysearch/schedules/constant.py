"""A constant learning rate."""

from __future__ import annotations

from typing import Literal

from raysearch.schedules.base import ScheduleConfig


class Config(ScheduleConfig):
    """The peak learning rate throughout, after the warm-up."""

    kind: Literal["constant"] = "constant"

    def decay(self, progress: float) -> float:
        """Return 1."""
        return 1.0
