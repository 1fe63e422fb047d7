"""Size and cost of a network: trainable parameters, and multiply-accumulates at a stated input size.

One MAC is one multiplication with its addition; FLOPs, which some papers print, are twice that. Convolutions and matrix products
count, activations and normalisation do not.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        parameters: trainable parameters.
        macs: multiply-accumulates for one image of ``height`` x ``width`` pixels.
        height: of the input, in pixels.
        width: of the input, in pixels.
    """

    parameters: int
    macs: int
    height: int
    width: int

    @property
    def label(self) -> str:
        """For tables, e.g. ``560,783 parameters, 2.337 GMAC at 128 x 128``."""
        return f"{self.parameters:,} parameters, {self.macs / 1e9:.4g} GMAC at {self.height} x {self.width}"


def parameters(net: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def macs(net: nn.Module, channels_in: int, size: int | tuple[int, int], sigma: bool) -> int:
    """Return the multiply-accumulates for one image; computes shapes only, so any size is quick and ``net`` is left alone.

    Args:
        net: called as ``net(degraded, sigma_255)``.
        channels_in: channels of its input.
        size: height and width of the input in pixels, or the side of a square one.
        sigma: whether the network is given a noise level.
    """
    shadow = copy.deepcopy(net).to("meta").eval()
    image = torch.empty(1, channels_in, *_sides(size), device="meta")
    level = torch.empty(1, 1, 1, 1, device="meta") if sigma else None
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        shadow(image, level)
    return counter.get_total_flops() // 2


def cost(net: nn.Module, channels_in: int, size: int | tuple[int, int], sigma: bool) -> Cost:
    """Return parameters and multiply-accumulates together; see `macs`."""
    return Cost(parameters(net), macs(net, channels_in, size, sigma), *_sides(size))


def _sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return height and width."""
    return (size, size) if isinstance(size, int) else size
