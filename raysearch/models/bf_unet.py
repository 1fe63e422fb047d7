"""BF-UNet: a small U-Net without any additive constant, one of the four networks of the bias-free study.

Mohan, Kadkhodaie, Simoncelli, Fernandez-Granda: "Robust and interpretable blind image denoising via bias-free convolutional neural
networks", ICLR 2020, arXiv:1906.05478; layers as in the authors' code. Input: a noisy image of one or three channels, nominally in
[0, 1], not clipped; output: the clean image itself, not clipped. ``f(a x) = a f(x)`` for a > 0. At full size a 5x5 and a 3x3
convolution (32 maps), then at half size 3x3 with stride 2, 3x3, and two dilated by 2 and 4 (64 maps), a transposed 4x4 back to full
size, joined with the maps before the stride, 3x3 (32 maps) and 5x5 to the image; ReLU after all but the last. 233,024 weights in
grey. An image with an odd side is completed by a row or column of zeros, and cut at the end.

``bias: true`` is the ordinary network that the paper compares with: biases everywhere but in the last layer.

Initial weights (decided here): normal with variance 2 / fan-in, biases 0.

Differs from the authors' code: the image may have three channels, ``width`` other values; it always gives the image (theirs may
also give the noise)."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from raysearch.models._bias_free import initialise
from raysearch.models._input import require_kept, require_size
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma


class Config(ModelConfig):
    """Bias-free U-Net; the defaults are the paper's."""

    kind: Literal["bf_unet"] = "bf_unet"
    width: int = Field(32, ge=1, le=1024)
    """Maps at full size; half-size layers have twice as many."""

    bias: bool = False
    """Give the convolutions biases, as the network that the paper compares with; then it does not scale."""

    def geometry(self) -> Geometry:
        """Any size; the layers at half size reach farthest."""
        return Geometry(halo=23, cell=2)

    def build(self, channels_in: int, channels_out: int, scale: int) -> BFUNet:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return BFUNet(self, channels_in)


class BFUNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config = config
        width, deep, bias = config.width, 2 * config.width, config.bias
        self.entry = nn.Sequential(
            nn.Conv2d(channels, width, 5, padding=2, bias=bias),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=bias),
            nn.ReLU(),
        )
        self.below = nn.Sequential(
            nn.Conv2d(width, deep, 3, stride=2, padding=1, bias=bias),
            nn.ReLU(),
            nn.Conv2d(deep, deep, 3, padding=1, bias=bias),
            nn.ReLU(),
            nn.Conv2d(deep, deep, 3, padding=2, dilation=2, bias=bias),
            nn.ReLU(),
            nn.Conv2d(deep, deep, 3, padding=4, dilation=4, bias=bias),
            nn.ReLU(),
            nn.ConvTranspose2d(deep, deep, 4, stride=2, padding=1, bias=bias),
            nn.ReLU(),
        )
        self.exit = nn.Sequential(
            nn.Conv2d(deep + width, width, 3, padding=1, bias=bias),
            nn.ReLU(),
            nn.Conv2d(width, channels, 5, padding=2, bias=False),
        )
        self.apply(initialise)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Restore the image; ``sigma_255`` is ignored."""
        require_size(self.config.kind, degraded, self.config.geometry())
        height, width = degraded.shape[-2:]
        even = functional.pad(degraded, (0, width % 2, 0, height % 2))
        full: Tensor = self.entry(even)
        restored: Tensor = self.exit(torch.cat([self.below(full), full], dim=1))
        return restored[..., :height, :width].to(degraded.dtype)
