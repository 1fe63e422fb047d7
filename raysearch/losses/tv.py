"""Total variation: how much neighbouring values differ, whatever they should be. A part of a `sum`, never a loss by itself.

Rudin, Osher, Fatemi, "Nonlinear total variation based noise removal algorithms", Physica D 60, 1992, in its anisotropic form: the
absolute differences to the neighbour below and to the one at the right, added. ``power: 2`` squares them instead, as CBDNet (Guo
et al., CVPR 2019, arXiv:1807.04686) does for its map of noise levels: there ``of: sigma`` with a weight of 0.05.

Decided here: the mean runs over all pixels, those of the last row and column having no neighbour on one side (CBDNet's port
divides by the number of differences), and over channels.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from raysearch.losses._maps import Values, per_pixel
from raysearch.losses.base import Compared, Loss, LossConfig
from raysearch.shapes import LossMap


class Config(LossConfig):
    """Differences between neighbours; one term, ``tv``."""

    kind: Literal["tv"] = "tv"
    of: str | None = None
    """Name of the network's extra output to smooth, e.g. ``sigma``; when it is not given, the restored image."""

    power: Literal[1, 2] = 1
    """1: absolute differences. 2: their squares."""

    @property
    def reads(self) -> frozenset[str]:
        """What is smoothed, unless it is the image."""
        return frozenset() if self.of is None else frozenset({self.of})

    def build(self, device: torch.device) -> Loss:
        """Build the loss."""
        return TotalVariation(self.of, self.power)


class TotalVariation(Loss):
    """See the module's docstring."""

    def __init__(self, of: str | None, power: int) -> None:
        self._of = of
        self._power = power

    def terms(self, compared: Compared) -> dict[str, LossMap]:
        """Return the variation of every pixel."""
        values = compared.restored if self._of is None else compared.extras[self._of]
        return {"tv": per_pixel(self._variation(values.to(compared.clean.dtype)), *compared.restored.shape[-2:])}

    def _variation(self, values: Values) -> Values:
        down = functional.pad(values.diff(dim=-2), (0, 0, 0, 1))
        right = functional.pad(values.diff(dim=-1), (0, 1))
        return self._size(down) + self._size(right)

    def _size(self, difference: Tensor) -> Tensor:
        return difference.abs() if self._power == 1 else difference.square()
