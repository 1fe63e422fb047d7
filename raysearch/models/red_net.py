"""RED-Net: convolutions, then as many transposed ones, with symmetric skips between them.

Mao, Shen, Yang: "Image restoration using very deep convolutional encoder-decoder networks with symmetric skip connections", NIPS
2016, arXiv:1603.09056. Input: a degraded image of one or three channels, nominally in [0, 1]; output: in [0, 1], not clipped.
``depth`` 10, 20 or 30 3x3 layers of 64 maps, half of them convolutions and half transposed convolutions, each with ReLU. Every
second convolution's maps are added to those of the transposed convolution of the same rank from the other end, before its ReLU; the
last layer's output is added to the image. In grey 296,641, 665,921 and 1,035,201 parameters.

``variant: strided`` is the usual PyTorch port: stride 2 in the first convolution and the last transposed one, and a ReLU after the
sum with the image, so that nothing is negative (1,037,507 parameters for 30 layers in colour); sides must then be even.

Initial weights (decided here): normal with variance 2 / (9 width), biases 0; the last layer's weights at a hundredth, so that
training starts near the degraded image, whatever the sums of the skips add up to.

Differs from the paper: the initial weights.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.models._input import require_kept, require_size
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma

_LAST_SCALE = 0.01


class Config(ModelConfig):
    """RED-Net; the defaults are RED-Net 30 at full size."""

    kind: Literal["red_net"] = "red_net"
    depth: int = Field(30, ge=4, le=128, multiple_of=2)
    """Layers, half of them transposed: 10, 20 and 30 in the paper."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the layers."""

    variant: Literal["full", "strided"] = "full"
    """All layers at full size, or those between the first and the last at half size and a ReLU at the end."""

    def geometry(self) -> Geometry:
        """Each layer reaches one pixel; at half size two."""
        if self.variant == "full":
            return Geometry(halo=self.depth)
        return Geometry(halo=2 * self.depth - 1, multiple_of=2, smallest=2)

    def build(self, channels_in: int, channels_out: int, scale: int) -> REDNet:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return REDNet(self, channels_in)


class REDNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config = config
        width, half = config.width, config.depth // 2
        stride = 2 if config.variant == "strided" else 1
        inner = [width] * (half - 1)
        self.encoder = nn.ModuleList(
            nn.Conv2d(i, width, 3, padding=1, stride=stride if first else 1)
            for i, first in zip([channels, *inner], [True] + [False] * (half - 1), strict=True)
        )
        last = nn.ConvTranspose2d(width, channels, 3, padding=1, stride=stride, output_padding=stride - 1)
        self.decoder = nn.ModuleList([*(nn.ConvTranspose2d(width, width, 3, padding=1) for _ in inner), last])
        for layer in [*self.encoder, *self.decoder]:
            nn.init.normal_(layer.weight, std=(2 / (9 * width)) ** 0.5)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            last.weight *= _LAST_SCALE

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Restore the image; ``sigma_255`` is ignored.

        Raises:
            SpecError: a side is odd, in the strided variant.
        """
        config = self.config
        require_size(config.kind, degraded, config.geometry())
        half = config.depth // 2
        maps: Tensor = degraded
        skips: dict[int, Tensor] = {}
        for number, layer in enumerate(self.encoder, start=1):
            maps = torch.relu(layer(maps))
            if number % 2 == 0 and number < half:
                skips[half - number] = maps
        for number, layer in enumerate(self.decoder, start=1):
            maps = layer(maps)
            if number in skips:
                maps = maps + skips[number]
            if number < half:
                maps = torch.relu(maps)
        restored = degraded + maps.to(degraded.dtype)
        return torch.relu(restored) if config.variant == "strided" else restored
