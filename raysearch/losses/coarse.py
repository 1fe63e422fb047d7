"""Another loss on a small version of the image that the network gives beside the full-size one: DM-Net's intermediate supervision.

Liu, Shu, Wu, "Demoiréing of camera-captured screen images using deep convolutional neural network", 2018, arXiv:1804.03809: the
squared error of the image at a quarter of the size, added to that at full size. Here: a `sum` of ``l2`` and
``{kind: coarse, loss: l2}``. The clean image is reduced by the antialiased bicubic of `raysearch.bicubic` (decided here).
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import SerializeAsAny, field_validator

from raysearch.bicubic import resize
from raysearch.component import Kind
from raysearch.losses._maps import per_pixel
from raysearch.losses.base import Compared, Loss, LossConfig
from raysearch.shapes import LossMap


class Config(LossConfig):
    """A loss between the extra output ``coarse``, (b, c, h', w'), and the clean image at that size; its terms get a ``coarse_``."""

    kind: Literal["coarse"] = "coarse"
    loss: Annotated[SerializeAsAny[LossConfig], Kind("raysearch.losses")]
    """How the two are compared; a loss of images only."""

    @field_validator("loss")
    @classmethod
    def _of_images(cls, loss: LossConfig) -> LossConfig:
        if loss.reads:
            raise ValueError(f"it reads {', '.join(sorted(loss.reads))}, and small images have none of their own")
        return loss

    @property
    def reads(self) -> frozenset[str]:
        """The small image."""
        return frozenset({"coarse"})

    def build(self, device: torch.device) -> Loss:
        """Build the loss.

        Raises:
            DataError: see the loss inside.
        """
        return Coarse(self.loss.build(device))


class Coarse(Loss):
    """See the module's docstring."""

    def __init__(self, inner: Loss) -> None:
        self._inner = inner

    def terms(self, compared: Compared) -> dict[str, LossMap]:
        """Return the small image's losses; every pixel has that of the place in which it lies."""
        small = compared.extras["coarse"].to(compared.clean.dtype)
        with torch.no_grad():
            clean = resize(compared.clean, *small.shape[-2:])
        found = self._inner.terms(Compared(small, clean, progress=compared.progress))
        size = compared.restored.shape[-2:]
        return {f"coarse_{name}": per_pixel(values, *size) for name, values in found.items()}
