"""One loss first, another one later: a switch during the training, at once or blended.

Zhao, Gallo, Frosio, Kautz, "Loss functions for image restoration with neural networks", IEEE Trans. Computational Imaging 3(1),
2017, arXiv:1511.08861: a network trained with the squared error and then with the absolute one, or the other way round, reached a
higher PSNR than with either alone. They train to convergence with the first; how many steps is not given, so half of them is the
default here. Optimizer state and learning rate go on as they are.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field, SerializeAsAny, model_validator

from raysearch.component import Kind
from raysearch.losses.base import Compared, Loss, LossConfig
from raysearch.shapes import LossMap


class Config(LossConfig):
    """Two losses in turn; the terms are those of whichever counts, and have their names."""

    kind: Literal["switch"] = "switch"
    first: Annotated[SerializeAsAny[LossConfig], Kind("raysearch.losses")]
    """The loss at the start."""

    then: Annotated[SerializeAsAny[LossConfig], Kind("raysearch.losses")]
    """The loss at the end."""

    at: float = Field(0.5, ge=0, le=1)
    """Share of the steps after which the second loss begins to count; 0 leaves the first out, 1 the second."""

    blend: float = Field(0.0, ge=0, le=1)
    """Share of the steps, from ``at`` on, over which the first loss fades into the second linearly; 0 switches at once."""

    @model_validator(mode="after")
    def _ends(self) -> Config:
        if self.at + self.blend > 1 + 1e-9:
            raise ValueError(f"the blend would end after the training: at + blend is {self.at + self.blend:g}, more than 1")
        return self

    @property
    def reads(self) -> frozenset[str]:
        """Whatever the two read."""
        return self.first.reads | self.then.reads

    @property
    def follows_progress(self) -> bool:
        """Yes."""
        return True

    def build(self, device: torch.device) -> Loss:
        """Build both.

        Raises:
            DataError: see the two losses.
        """
        return Switch(self.first.build(device), self.then.build(device), self)


class Switch(Loss):
    """See the module's docstring."""

    def __init__(self, first: Loss, then: Loss, config: Config) -> None:
        self._first = first
        self._then = then
        self._config = config

    def terms(self, compared: Compared) -> dict[str, LossMap]:
        """Return the terms of the losses that count now; a name that both have is one term, their weighted sum."""
        share = self._share(compared.progress)
        found: dict[str, LossMap] = {}
        for loss, weight in ((self._first, 1 - share), (self._then, share)):
            for name, values in loss.terms(compared).items() if weight else ():
                found[name] = found[name] + weight * values if name in found else weight * values
        return found

    def _share(self, progress: float) -> float:
        """Return the weight of the second loss."""
        past = progress - self._config.at
        if self._config.blend == 0:
            return float(past >= 0)
        return min(1.0, max(0.0, past / self._config.blend))
