"""The discriminator of SRGAN: eight convolutions and two dense layers judge a whole patch.

Ledig et al.: "Photo-realistic single image super-resolution using a generative adversarial network", CVPR 2017,
arXiv:1609.04802. Input: patches of one size, nominally in [0, 1], scaled to [-1, 1] inside; output: one logit per image. 3x3
convolutions to 1, 1, 2, 2, 4, 4, 8, 8 times `width` maps, every second with stride 2, leaky ReLU 0.2, batch norm from the second
on; then a dense layer of 16 `width` values, leaky ReLU, and one of one value. 23,563,649 parameters at 96 pixels, 38,243,713 at 120
and at 128, in RGB.

Differs from the source: the sigmoid is part of the loss, which takes logits; convolutions before a batch norm have no bias;
initial weights are PyTorch's. Batch statistics are those of one worker's share of a batch; clean and restored patches are judged
in separate batches.
"""

from __future__ import annotations

from typing import Annotated, Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from raysearch.component import STRUCTURAL
from raysearch.discriminators._input import require_side
from raysearch.discriminators.base import DiscriminatorConfig
from raysearch.shapes import Image

_FACTORS = (1, 1, 2, 2, 4, 4, 8, 8)
_SMALLEST = 17  # four strides leave at least 2 x 2 pixels, so that a batch of one image has statistics


class Config(DiscriminatorConfig):
    """SRGAN's discriminator; patches of at least 17 pixels."""

    kind: Literal["srgan"] = "srgan"
    width: Annotated[int, STRUCTURAL] = Field(64, ge=1, le=512)
    """Maps of the first layer."""

    def build(self, channels: int, side: int) -> SrganDiscriminator:
        """Build the network; its dense layers fit patches of this side only.

        Raises:
            SpecError: the patch is too small.
        """
        require_side(self.kind, side, _SMALLEST)
        return SrganDiscriminator(channels, side, self.width)


class SrganDiscriminator(nn.Module):
    """See the module's docstring."""

    def __init__(self, channels: int, side: int, width: int) -> None:
        super().__init__()
        maps = [factor * width for factor in _FACTORS]
        layers: list[nn.Module] = [nn.Conv2d(channels, maps[0], 3, padding=1), nn.LeakyReLU(0.2)]
        for number in range(1, len(maps)):
            stride = 1 + number % 2
            layers += [nn.Conv2d(maps[number - 1], maps[number], 3, stride, 1, bias=False)]
            layers += [nn.BatchNorm2d(maps[number]), nn.LeakyReLU(0.2)]
            side = -(-side // stride)
        self.features = nn.Sequential(*layers)
        self.judge = nn.Sequential(
            nn.Flatten(), nn.Linear(maps[-1] * side * side, 16 * width), nn.LeakyReLU(0.2), nn.Linear(16 * width, 1)
        )

    def forward(self, images: Image) -> Float[Tensor, "b 1"]:
        """Judge patches of the side that the network was built for."""
        logits: Tensor = self.judge(self.features(2 * images - 1))
        return logits
