"""Stochastic gradient descent with momentum, in torch's form (the learning rate is applied after the momentum)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

import torch
from pydantic import Field, model_validator

from raysearch.optimizers.base import OptimizerConfig


class Config(OptimizerConfig):
    """SGD. Weight decay is added to the gradient (an L2 penalty)."""

    kind: Literal["sgd"] = "sgd"

    momentum: float = Field(0.9, ge=0, lt=1)
    """Decay of the running sum of gradients."""

    nesterov: bool = False
    """Look ahead along the momentum; needs a momentum above 0."""

    weight_decay: float = Field(0.0, ge=0)
    """Factor of the weights that is added to the gradient."""

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov: true needs a momentum above 0")
        return self

    def build(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer of these parameters."""
        return torch.optim.SGD(
            parameters, lr=self.lr, momentum=self.momentum, nesterov=self.nesterov, weight_decay=self.weight_decay
        )
