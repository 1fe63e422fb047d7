"""What an optimizer config is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import Field

from raysearch.component import Config

if TYPE_CHECKING:
    import torch


class OptimizerConfig(Config, ABC):
    """Chooses and parametrises a torch optimizer. ``lr`` is the peak: schedules multiply it by a factor in [0, 1]."""

    lr: float = Field(1e-3, gt=0, le=10)
    """Peak learning rate."""

    @abstractmethod
    def build(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer of these parameters."""
