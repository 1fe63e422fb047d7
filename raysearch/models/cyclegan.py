"""The generator of CycleGAN: a residual network at a quarter of the size, with instance norm.

Zhu, Park, Isola, Efros: "Unpaired image-to-image translation using cycle-consistent adversarial networks", ICCV 2017,
arXiv:1703.10593; the generator is that of Johnson, Alahi, Fei-Fei: "Perceptual losses for real-time style transfer and
super-resolution", ECCV 2016. Input: an image of one or three channels, nominally in [0, 1], scaled to [-1, 1] inside; output: an
image of the same size, by tanh within [0, 1]. A 7x7 convolution, two of stride 2, residual blocks of two 3x3 convolutions, two
transposed ones of stride 2 and a 7x7 convolution; borders are reflected but around the strided layers. 11,378,179 parameters in
RGB with nine blocks. Initial weights: normal, deviation 0.02, biases 0.

Every convolution has a bias, as in the authors' code, which the parameter count includes; before an instance norm it changes
nothing and its gradient is nothing but rounding. The norm's statistics are those of the whole image, in evaluation as in
training, so images are never cut into tiles: what the network does to a pixel depends on what else is in the picture.

Differs from the sources: trained here by the recipe ``adversarial`` (with ``gan: least_squares`` and the discriminator
``patchgan``) or any other, in one direction; the cycle with a second generator and its consistency loss is not part of it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from raysearch.models._input import require_kept, require_size
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma

_STD = 0.02


class Config(ModelConfig):
    """CycleGAN's generator; the defaults are the authors' for images of 256 pixels and more."""

    kind: Literal["cyclegan"] = "cyclegan"
    blocks: int = Field(9, ge=1, le=64)
    """Residual blocks: 9, or 6 for small images."""

    width: int = Field(64, ge=1, le=512)
    """Maps at full size; twice and four times as many at a half and a quarter."""

    def geometry(self) -> Geometry:
        """Sides divisible by 4, from 8; the norms are over the whole image."""
        return Geometry(halo=0, multiple_of=4, smallest=8, whole=True)

    def build(self, channels_in: int, channels_out: int, scale: int) -> CycleGan:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return CycleGan(self, channels_in)


class CycleGan(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config = config
        full, half, quarter = config.width, 2 * config.width, 4 * config.width
        layers = [nn.ReflectionPad2d(3), *_normed(nn.Conv2d(channels, full, 7))]
        layers += _normed(nn.Conv2d(full, half, 3, 2, 1)) + _normed(nn.Conv2d(half, quarter, 3, 2, 1))
        layers += [_Block(quarter) for _ in range(config.blocks)]
        layers += _normed(nn.ConvTranspose2d(quarter, half, 3, 2, 1, 1)) + _normed(nn.ConvTranspose2d(half, full, 3, 2, 1, 1))
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(full, channels, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(_initialise)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Translate the image; ``sigma_255`` is ignored.

        Raises:
            SpecError: a side is below 8 or no multiple of 4.
        """
        require_size(self.config.kind, degraded, self.config.geometry())
        translated: Tensor = self.layers(2 * degraded - 1)
        return (translated.to(degraded.dtype) + 1) / 2


class _Block(nn.Module):
    """Two convolutions and a skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        first = [nn.ReflectionPad2d(1), *_normed(nn.Conv2d(width, width, 3))]
        self.layers = nn.Sequential(*first, nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width))

    def forward(self, maps: Tensor) -> Tensor:
        found: Tensor = self.layers(maps)
        return maps + found


def _normed(conv: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [conv, nn.InstanceNorm2d(conv.out_channels), nn.ReLU()]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=_STD)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
