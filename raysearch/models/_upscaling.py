"""What super-resolution networks have in common."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

SCALES = (2, 3, 4, 8)
"""Scales of the networks with an `upsampler`."""

_STAGES = {1: (), 2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}


def upsampler(width: int, scale: int, activation: Callable[[], nn.Module] | None = None, groups: int = 1) -> nn.Sequential:
    """Build the stages that enlarge maps: a 3x3 convolution to ``width * s * s`` maps, pixel shuffle by s, activation.

    One stage for 2 and 3, two and three stages of 2 for 4 and 8, none for 1.

    Args:
        width: maps at both ends.
        scale: 1 or one of `SCALES`.
        activation: builds what follows each shuffle; None for nothing.
        groups: of the convolutions.
    """
    layers: list[nn.Module] = []
    for factor in _STAGES[scale]:
        layers += [nn.Conv2d(width, width * factor**2, 3, padding=1, groups=groups), nn.PixelShuffle(factor)]
        if activation is not None:
            layers.append(activation())
    return nn.Sequential(*layers)


def div2k_mean() -> Float[Tensor, "1 3 1 1"]:
    """Return the mean colour of the DIV2K training photographs, in [0, 1]."""
    return torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)
