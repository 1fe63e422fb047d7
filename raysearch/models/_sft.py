"""Spatial feature transform: maps are scaled and shifted by what small networks make of a condition.

Wang, Yu, Dong, Loy: "Recovering realistic texture in image super-resolution by deep spatial feature transform", CVPR 2018,
arXiv:1804.02815.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SftLayer(nn.Module):
    """Returns ``maps * scale + shift``, with scale and shift by two 1x1 convolutions each from the condition, (b, inputs, h, w).

    Args:
        inputs: maps of the condition.
        maps: maps that are transformed.
        slope: of the leaky ReLU between the convolutions.
        around_one: the scale is what the convolutions give, plus 1; otherwise their last bias starts at 1.
    """

    def __init__(self, inputs: int, maps: int, *, slope: float, around_one: bool) -> None:
        super().__init__()
        self.around_one = around_one
        self.scale = _convolutions(inputs, maps, slope)
        self.shift = _convolutions(inputs, maps, slope)
        last = self.scale[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        if not around_one:
            with torch.no_grad():
                last.bias += 1

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """Transform the maps, (b, maps, h, w)."""
        scale: Tensor = self.scale(condition)
        shift: Tensor = self.shift(condition)
        return maps * (scale + 1 if self.around_one else scale) + shift


def _convolutions(inputs: int, maps: int, slope: float) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, inputs, 1), nn.LeakyReLU(slope), nn.Conv2d(inputs, maps, 1))
