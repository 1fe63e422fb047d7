"""Adam (Kingma & Ba, ICLR 2015), the optimizer of most papers on restoration networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field

from raysearch.optimizers.base import OptimizerConfig

Beta = Annotated[float, Field(ge=0, lt=1)]


class Config(OptimizerConfig):
    """Adam. Weight decay, where given, is added to the gradient (an L2 penalty); see ``adamw`` for the decoupled kind."""

    kind: Literal["adam"] = "adam"

    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """Decay of the running means of the gradient and of its square."""

    weight_decay: float = Field(0.0, ge=0)
    """Factor of the weights that is added to the gradient."""

    def build(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer of these parameters."""
        return torch.optim.Adam(parameters, lr=self.lr, betas=self.betas, weight_decay=self.weight_decay)
