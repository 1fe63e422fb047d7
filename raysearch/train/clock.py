"""What a trial has done so far and since its last report: steps, time, losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from raysearch.recipes.base import StepResult


@dataclass
class Clock:
    """What has been done, since the start and since the last report."""

    train_seconds: float = 0.0
    pixels_seen: int = 0
    recent_seconds: float = 0.0
    recent_steps: int = 0
    recent_skips: int = 0
    recent_losses: dict[str, Tensor] = field(default_factory=dict)
    lr: float = 0.0

    def add_losses(self, result: StepResult) -> None:
        """Add a step's loss as ``loss`` and its terms as ``loss/<term>``; a term that a step lacks counts as 0 in it."""
        for name, value in {"loss": result.loss, **{f"loss/{term}": part for term, part in result.terms.items()}}.items():
            self.recent_losses[name] = self.recent_losses[name] + value if name in self.recent_losses else value

    def state_dict(self) -> dict[str, object]:
        """Return the totals, and what was counted since the last report."""
        return {
            "train_seconds": self.train_seconds,
            "pixels_seen": self.pixels_seen,
            "lr": self.lr,
            "recent": [self.recent_seconds, self.recent_steps, self.recent_skips],
            "recent_losses": dict(self.recent_losses),
        }

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue counting."""
        self.train_seconds = float(state["train_seconds"])  # type: ignore[arg-type]
        self.pixels_seen = int(state["pixels_seen"])  # type: ignore[call-overload]
        self.lr = float(state["lr"])  # type: ignore[arg-type]
        self.recent_seconds, self.recent_steps, self.recent_skips = state["recent"]  # type: ignore[misc]
        self.recent_losses = dict(state["recent_losses"])  # type: ignore[call-overload]

    def add_seconds(self, seconds: float) -> None:
        """Count time of training."""
        self.recent_seconds += seconds
        self.train_seconds += seconds

    def begin_interval(self) -> None:
        """Forget what was counted since the last report."""
        self.recent_seconds, self.recent_steps, self.recent_skips, self.recent_losses = 0.0, 0, 0, {}
