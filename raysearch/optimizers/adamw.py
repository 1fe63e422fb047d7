"""AdamW (Loshchilov & Hutter, ICLR 2019): Adam with the weight decay taken out of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field

from raysearch.optimizers.base import OptimizerConfig

Beta = Annotated[float, Field(ge=0, lt=1)]


class Config(OptimizerConfig):
    """AdamW. A step shrinks the weights by ``lr * weight_decay``, so the decay follows the schedule."""

    kind: Literal["adamw"] = "adamw"

    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """Decay of the running means of the gradient and of its square."""

    weight_decay: float = Field(0.01, ge=0)
    """Decoupled weight decay."""

    def build(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer of these parameters."""
        return torch.optim.AdamW(parameters, lr=self.lr, betas=self.betas, weight_decay=self.weight_decay)
