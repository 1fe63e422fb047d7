"""PatchGAN: the discriminator of pix2pix and CycleGAN judges overlapping patches of an image.

Isola, Zhu, Zhou, Efros: "Image-to-image translation with conditional adversarial networks", CVPR 2017, arXiv:1611.07004; here as in
Zhu, Park, Isola, Efros: "Unpaired image-to-image translation using cycle-consistent adversarial networks", ICCV 2017,
arXiv:1703.10593. Input: images of any size, nominally in [0, 1], scaled to [-1, 1] inside; output: one logit for each patch of
70 x 70 pixels (at three layers) on a grid of eight pixels. 4x4 convolutions: `layers` with stride 2, to 1, 2, 4, ... (at most 8)
times `width` maps, one of stride 1 and one to the logit; instance norm without weights in all but the first and the last, leaky
ReLU 0.2. 2,764,737 parameters in RGB. Initial weights: normal, deviation 0.02, biases 0.

Every convolution has a bias, as in the authors' code, which the parameter count includes; before an instance norm it changes
nothing.

Differs from the sources: none of the layers. Counted on the maps that the layers really have (31 x 31 and 30 x 30 after the
strides), 256 x 256 pixels cost 3.15 GMAC; the 3.28 that are printed elsewhere take the last two layers at 32 x 32.
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


class Config(DiscriminatorConfig):
    """PatchGAN; the defaults judge 70 x 70 pixels and need patches of at least 24."""

    kind: Literal["patchgan"] = "patchgan"
    width: Annotated[int, STRUCTURAL] = Field(64, ge=1, le=512)
    """Maps of the first layer."""

    layers: Annotated[int, STRUCTURAL] = Field(3, ge=1, le=6)
    """Convolutions with stride 2; a logit sees 16, 34, 70, 142, 286 or 574 pixels with 1 to 6 of them."""

    def build(self, channels: int, side: int) -> PatchGan:
        """Build the network.

        Raises:
            SpecError: the patch is too small.
        """
        require_side(self.kind, side, 3 * 2**self.layers)
        return PatchGan(channels, self.width, self.layers)


class PatchGan(nn.Module):
    """See the module's docstring."""

    def __init__(self, channels: int, width: int, layers: int) -> None:
        super().__init__()
        maps = [min(2**number, 8) * width for number in range(layers + 1)]
        stack: list[nn.Module] = [nn.Conv2d(channels, maps[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for number in range(1, layers + 1):
            stride = 2 if number < layers else 1
            stack += [nn.Conv2d(maps[number - 1], maps[number], 4, stride, 1), nn.InstanceNorm2d(maps[number]), nn.LeakyReLU(0.2)]
        self.judge = nn.Sequential(*stack, nn.Conv2d(maps[-1], 1, 4, 1, 1))
        for layer in self.judge:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.02)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def forward(self, images: Image) -> Float[Tensor, "b 1 rows columns"]:
        """Judge every patch of the images."""
        logits: Tensor = self.judge(2 * images - 1)
        return logits
