"""The network of PatchNet: an image in, one number per cell out. See `raysearch.samplers.patchnet` for the source."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from raysearch.shapes import Image

Size = Literal["tiny", "large"]

BLOCKS: dict[Size, tuple[int, ...]] = {"tiny": (1, 1, 1, 2, 2, 1, 1), "large": (3, 3, 4, 6, 6, 3, 3)}
"""Residual blocks of each stage; the seventh exists for cells of 128 pixels only."""

WIDTHS = (1, 1, 2, 4, 8, 16, 16)
"""Channels of each stage, in multiples of the base width."""

SLOPE = 0.2
"""Slope of the leaky ReLU below zero."""


class Block(nn.Module):
    """A bottleneck residual block: 1×1, 3×3 and 1×1 convolutions (or 3×3 at the end), each with batch normalisation.

    Leaky ReLU follows the first two; neither the last one nor the sum has an activation. Where the number of channels changes the
    shortcut is a 1×1 convolution with batch normalisation.
    """

    def __init__(self, channels_in: int, channels: int, bottleneck: int, last_kernel: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, bottleneck, 1, bias=False),
            nn.BatchNorm2d(bottleneck),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(bottleneck, bottleneck, 3, padding=1, bias=False),
            nn.BatchNorm2d(bottleneck),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(bottleneck, channels, last_kernel, padding=last_kernel // 2, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = nn.Sequential() if channels_in == channels else _projection(channels_in, channels)

    def forward(self, x: Image) -> Image:
        """Keep height and width."""
        out: Tensor = self.body(x) + self.shortcut(x)
        return out


def _projection(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels, 1, bias=False), nn.BatchNorm2d(channels))


class PatchNet(nn.Module):
    """Maps an image whose sides are multiples of ``cell`` to one logit per cell.

    A stage is some blocks and, in as many of the first stages as the cell's size needs, an average pool that halves both sides.

    Args:
        channels: channels of the image.
        size: how many blocks.
        width: channels of the first stage; a multiple of 4 (the bottleneck is a quarter of a stage).
        cell: side of a cell, a power of two from 16 to 128.
        head_channels: logits per cell.
        last_kernel: side of the last convolution of a block, 1 or 3.
    """

    def __init__(self, channels: int, size: Size, width: int, cell: int, head_channels: int, last_kernel: int) -> None:
        super().__init__()
        halvings = int(math.log2(cell))
        stages = 7 if cell == 128 else 6
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 1)]
        before = width
        for stage in range(stages):
            wide = width * WIDTHS[stage]
            for _ in range(BLOCKS[size][stage]):
                layers.append(Block(before, wide, wide // 4, last_kernel))
                before = wide
            if stage < halvings:
                layers.append(nn.AvgPool2d(2))
        layers.append(nn.Conv2d(before, head_channels, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Image) -> Float[Tensor, "b head rows columns"]:
        """Return the logits of the cells, unbounded."""
        logits: Tensor = self.layers(image)
        return logits


def built(net: PatchNet, generator: torch.Generator, device: torch.device) -> PatchNet:
    """Fill a network that was made on the meta device: He initialisation from ``generator``, and zeros in the last layer.

    So the global generator is left alone, and every cell starts with the same logit, 0. Channels-last, which is faster on CPUs too.
    """
    net = net.to_empty(device="cpu")
    convolutions = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    for conv in convolutions:
        nn.init.kaiming_normal_(conv.weight, a=SLOPE, nonlinearity="leaky_relu", generator=generator)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
    nn.init.zeros_(convolutions[-1].weight)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
    return net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def bounded(logits: Tensor, bound: float | None) -> Tensor:
    """Bend the logits softly into (-bound, bound): ``bound * tanh(logits / bound)``."""
    return logits if bound is None else bound * torch.tanh(logits / bound)


def log_trainability(logits: Float[Tensor, "b head rows columns"], temperature: float) -> Float[Tensor, "b 1 rows columns"]:
    """Return ``log t`` of ``t = 1 / (1 + exp(-temperature * logit))``; several logits of a cell give the mean of their t."""
    return F.logsigmoid(temperature * logits).logsumexp(1, keepdim=True) - math.log(logits.shape[1])
