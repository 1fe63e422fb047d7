"""RestoreNet: DeepJDD with bottleneck residual blocks, the larger restoration network of the PatchNet paper.

PatchNet paper, section 3.4 (a network that chooses training patches; its restoration network). Input: a Bayer mosaic of three
channels with zeros at the missing sites, nominally in [0, 1]; output: RGB in [0, 1], not clipped. A block is 1x1 (C to C/r),
LReLU(0.2), 3x3, LReLU(0.2), 1x1 (back to C) plus its input, without normalisation; C = 256, r = 2, 16 blocks.

The paper does not draw the rest, so this is decided here after DeepJDD (Gharbi et al., 2016), whose convolutions the blocks
replace: a 3x3 convolution from the four packed planes (and the noise level) to C at half size, all blocks at half size, 1x1 to
12 maps, unpacking to RGB, joined with the mosaic, 3x3 to 64, LReLU, 1x1 to RGB. Zero padding, so the size is kept. Parameters:
3,432,335; with the sigma channel 3,434,639.

Initial weights (the paper is silent): normal, variance 2 / ((1 + 0.2²) fan-in), biases 0; the last convolution of a block is
divided by the square root of the number of blocks, so that the variance stays bounded through all of them without normalisation;
the last one of the network starts at a tenth, since at full size what it first puts out is the pattern of the mosaic, which takes
long to unlearn. Measured: 4 blocks of 48 maps, with noise, after 300 steps of Adam at 0.003 on 8 patches of 48 x 48
pixels have 28.7 dB on patches that they did not see, 22.9 dB with a full-size last layer, and bilinear interpolation has 27.4.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.models._input import require_channels, require_size, sigma_plane
from raysearch.models._mosaic import pack, unpack
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma

_SLOPE = 0.2
_LAST_SCALE = 0.1


class Config(ModelConfig):
    """RestoreNet; the defaults are the paper's."""

    kind: Literal["restorenet"] = "restorenet"
    width: int = Field(256, ge=1, le=2048)
    """Maps between the blocks (C)."""

    reduction: int = Field(2, ge=1, le=64)
    """The 3x3 convolution of a block works on width / reduction maps (r), rounded down, at least one."""

    depth: int = Field(16, ge=1, le=128)
    """Blocks."""

    tail_width: int = Field(64, ge=1, le=1024)
    """Maps of the 3x3 convolution at full size."""

    sigma_channel: bool = False
    """Give the noise level to the network as one more input channel; the task must have noise then."""

    def geometry(self) -> Geometry:
        """The entry and each block reach two pixels, the tail one, and packing rounds to even pixels."""
        return Geometry(halo=2 * (self.depth + 1) + 2, multiple_of=2, smallest=2)

    def build(self, channels_in: int, channels_out: int, scale: int) -> RestoreNet:
        """Build the network.

        Raises:
            SpecError: the task is no demosaicing.
        """
        require_channels(self.kind, (channels_in, channels_out, scale), (3, 3, 1))
        return RestoreNet(self)


class RestoreNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        inner = max(1, config.width // config.reduction)
        self.entry = nn.Conv2d(4 + config.sigma_channel, config.width, 3, padding=1)
        self.blocks = nn.Sequential(*(_Block(config.width, inner) for _ in range(config.depth)))
        self.predict = nn.Conv2d(config.width, 12, 1)
        last = nn.Conv2d(config.tail_width, 3, 1)
        self.tail = nn.Sequential(nn.Conv2d(6, config.tail_width, 3, padding=1), nn.LeakyReLU(_SLOPE), last)
        self.apply(_initialise)
        with torch.no_grad():
            last.weight *= _LAST_SCALE
            for block in self.blocks:
                assert isinstance(block, _Block)
                block.expand.weight /= config.depth**0.5

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Restore a mosaic; ``sigma_255`` is ignored without the sigma channel.

        Raises:
            SpecError: the size is odd, or the sigma channel has nothing to hold.
        """
        config = self.config
        require_size(config.kind, degraded, config.geometry())
        packed = pack(degraded)
        if config.sigma_channel:
            packed = torch.cat([packed, sigma_plane(config.kind, sigma_255, packed)], dim=1)
        colours = unpack(self.predict(self.blocks(self.entry(packed))))
        restored: Tensor = self.tail(torch.cat([degraded, colours.to(degraded.dtype)], dim=1))
        return restored.to(degraded.dtype)


class _Block(nn.Module):
    """1x1, 3x3, 1x1, plus the input."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(width, inner, 1)
        self.filter = nn.Conv2d(inner, inner, 3, padding=1)
        self.expand = nn.Conv2d(inner, width, 1)
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.act(self.filter(self.act(self.reduce(maps))))
        return maps + self.expand(inner)  # type: ignore[no-any-return]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        assert module.bias is not None
        nn.init.kaiming_normal_(module.weight, a=_SLOPE)
        nn.init.zeros_(module.bias)
