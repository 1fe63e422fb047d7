"""A weighted sum of losses: ``weight_1 loss_1 + weight_2 loss_2 + ...``.

As in CBDNet (Guo et al., CVPR 2019: squared error, noise estimate and its total variation), in DM-Net (2018: two sizes) and in
SRGAN (2017: pixels and features). Every weight is a leaf of the configuration, so a study can search it::

    loss:
      kind: sum
      parts:
        - {loss: l1}
        - {loss: {kind: ssim, sigma: 5}, weight: {float: [0.01, 1], log: true}}
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field, SerializeAsAny, field_validator

from raysearch.component import Config as Base
from raysearch.component import Kind
from raysearch.losses.base import Compared, Loss, LossConfig
from raysearch.shapes import LossMap


class Part(Base):
    """One loss of a sum."""

    loss: Annotated[SerializeAsAny[LossConfig], Kind("raysearch.losses")]
    """Any kind of loss, also another sum."""

    weight: float = Field(1.0, ge=0)
    """What it is multiplied by; 0 leaves it out."""


class Config(LossConfig):
    """Losses, each with its weight.

    Its terms are those of the parts; where two have the same name, the second gets a ``_2``.
    """

    kind: Literal["sum"] = "sum"
    parts: tuple[Part, ...] = Field(min_length=1)
    """The losses and their weights."""

    @field_validator("parts")
    @classmethod
    def _something(cls, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        if not any(part.weight for part in parts):
            raise ValueError("all weights are 0, so there is nothing to learn from")
        return parts

    @property
    def reads(self) -> frozenset[str]:
        """Whatever the parts read."""
        return frozenset().union(*(part.loss.reads for part in self.parts if part.weight))

    def build(self, device: torch.device) -> Loss:
        """Build the parts.

        Raises:
            DataError: see the parts.
        """
        return Sum([(part.loss.build(device), part.weight) for part in self.parts if part.weight])


class Sum(Loss):
    """See the module's docstring."""

    def __init__(self, parts: list[tuple[Loss, float]]) -> None:
        self._parts = parts

    def terms(self, compared: Compared) -> dict[str, LossMap]:
        """Return the terms of all parts, weighted."""
        found: dict[str, LossMap] = {}
        for loss, weight in self._parts:
            for name, values in loss.terms(compared).items():
                found[_unused(name, found)] = weight * values
        return found


def _unused(name: str, taken: dict[str, LossMap]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
