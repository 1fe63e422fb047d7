"""Half a cycle of a cosine (Loshchilov & Hutter, ICLR 2017, without restarts)."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from raysearch.schedules.base import ScheduleConfig


class Config(ScheduleConfig):
    """From the peak down to ``final`` times the peak along half a cosine, a little in every step."""

    kind: Literal["cosine"] = "cosine"

    final: float = Field(0.0, ge=0, le=1)
    """Fraction of the peak that is reached at the end."""

    def decay(self, progress: float) -> float:
        """Return ``final + (1 - final) * (1 + cos(pi * progress)) / 2``."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * progress)) / 2
