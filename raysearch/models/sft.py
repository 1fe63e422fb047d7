"""SFT-Net: a residual network whose layers a condition modulates (spatial feature transform), for super-resolution.

Wang, Yu, Dong, Loy: "Recovering realistic texture in image super-resolution by deep spatial feature transform", CVPR 2018,
arXiv:1804.02815. Input: an RGB image, nominally in [0, 1]; output: RGB, ``scale`` times as large, not clipped. A convolution, 16
residual blocks, an SFT layer and a convolution, a long skip, upsampling by two for each factor of two, two convolutions. A small
network turns the condition, maps at the size of the output, into 32 maps at the size of the input; two 1x1 convolutions each
make scale and shift of every SFT layer from them.

Two forms, as the authors published two (parameters at scale 4 with eight classes):

- ``shuffle`` (1,833,763), their PyTorch version: maps (scale + 1) + shift, slopes 0.1; a block is SFT, convolution, ReLU, SFT,
  convolution; upsampling by pixel shuffle.
- ``nearest`` (1,612,195), as in the paper: maps scale + shift, slopes 0.01; a block is SFT, ReLU, convolution, twice; upsampling by
  repetition and a convolution.

**The condition.** In the paper it is the probability of eight classes of texture at every pixel, by a segmentation network, which
is not part of raysearch, and the tasks here give none. What `condition` offers:

- ``uniform``: every class has the same probability everywhere. The layers then scale and shift all pixels alike: the network
  without knowledge, what the authors' results are to be compared with.
- ``channels``: the degraded image has `classes` more channels with the probabilities at its own size, repeated to the output's.
  No task here makes such images; it is there for one from outside (``kind: package.module``), and for published weights.
- ``sigma``: one map, the noise level over 255: the network is then controlled by the level, also per pixel. The task must have
  noise.

Differs from the sources: scales 1 and 2 as well as 4 (the first layer on the condition has a kernel and a stride of the scale);
maps at the size of the input are repeated; initial weights are PyTorch's, with scales of ``nearest`` around 1.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.errors import SpecError
from raysearch.models._input import require_size
from raysearch.models._sft import SftLayer
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Restored, Sigma

_UPSAMPLINGS = {1: 0, 2: 1, 4: 2}
_WIDE, _CONDITION = 128, 32  # maps of the network on the condition


class Config(ModelConfig):
    """SFT-Net; the defaults are the authors' PyTorch version without knowledge of the classes."""

    kind: Literal["sft"] = "sft"
    form: Literal["shuffle", "nearest"] = "shuffle"
    """Which of the authors' two versions."""

    condition: Literal["uniform", "channels", "sigma"] = "uniform"
    """What modulates the layers; see the module's docstring."""

    classes: int = Field(8, ge=1, le=64)
    """Classes of texture; of no meaning with ``condition: sigma``."""

    blocks: int = Field(16, ge=1, le=128)
    """Residual blocks."""

    width: int = Field(64, ge=1, le=512)
    """Maps of the network."""

    def geometry(self) -> Geometry:
        """Any size; two pixels for each block, one for each convolution before and after, and two around the upsampling."""
        return Geometry(halo=2 * self.blocks + 4)

    def build(self, channels_in: int, channels_out: int, scale: int) -> SftNet:
        """Build the network.

        Raises:
            SpecError: the task has other channels or another scale.
        """
        needed = 3 + (self.classes if self.condition == "channels" else 0)
        if (channels_in, channels_out) != (needed, 3) or scale not in _UPSAMPLINGS:
            raise SpecError(
                f"model 'sft' with condition {self.condition!r} maps {needed} to 3 channels at scale 1, 2 or 4, "
                f"but the task has {channels_in} to {channels_out} channels at scale {scale}",
                place="model.kind",
                remedy="choose a model for this task, or another task or condition",
            )
        return SftNet(self, scale)


class SftNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, scale: int) -> None:
        super().__init__()
        self.config = config
        self.scale = scale
        width = config.width
        self.entry = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.blocks))
        self.last_sft = _sft(config)
        self.last_conv = nn.Conv2d(width, width, 3, padding=1)
        steps = [layer for _ in range(_UPSAMPLINGS[scale]) for layer in _upsampling(config)]
        exit_ = [nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 3, 3, padding=1)]
        self.enlarge = nn.Sequential(*steps, *exit_)
        inputs = 1 if config.condition == "sigma" else config.classes
        layers: list[nn.Module] = [nn.Conv2d(inputs, _WIDE, scale, scale), nn.LeakyReLU(0.1)]
        for outputs in (_WIDE, _WIDE, _WIDE):
            layers += [nn.Conv2d(_WIDE, outputs, 1), nn.LeakyReLU(0.1)]
        self.condition = nn.Sequential(*layers, nn.Conv2d(_WIDE, _CONDITION, 1))

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Restore the image; ``sigma_255`` is ignored but for ``condition: sigma``.

        Raises:
            SpecError: the condition is the noise level, and there is none.
        """
        require_size(self.config.kind, degraded, self.config.geometry())
        condition = self.condition(self._given(degraded, sigma_255))
        entered = self.entry(degraded[:, :3])
        maps = entered
        for block in self.blocks:
            maps = block(maps, condition)
        maps = entered + self.last_conv(self.last_sft(maps, condition))
        restored: Tensor = self.enlarge(maps)
        return restored.to(degraded.dtype)

    def _given(self, degraded: Image, sigma_255: Sigma | None) -> Tensor:
        """Return the condition at the size of the output, (b, classes or 1, h * scale, w * scale)."""
        config = self.config
        if config.condition == "channels":
            given = degraded[:, 3:]
        elif config.condition == "uniform":
            given = degraded.new_full((1, config.classes, 1, 1), 1 / config.classes)
        elif sigma_255 is None:
            raise SpecError(
                "model 'sft' is conditioned on the noise level, but the task gives none",
                place="model.condition",
                remedy="write condition: uniform, or use a task with noise",
            )
        else:
            given = (sigma_255 / 255).to(degraded.dtype)
        given = given.expand(degraded.shape[0], -1, *degraded.shape[-2:])
        return given.repeat_interleave(self.scale, dim=2).repeat_interleave(self.scale, dim=3)


class _Block(nn.Module):
    """Two SFT layers and two convolutions with a skip."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.relu_first = config.form == "nearest"
        self.sft1 = _sft(config)
        self.conv1 = nn.Conv2d(config.width, config.width, 3, padding=1)
        self.sft2 = _sft(config)
        self.conv2 = nn.Conv2d(config.width, config.width, 3, padding=1)

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        found = self.sft1(maps, condition)
        if self.relu_first:
            found = self.sft2(self.conv1(torch.relu(found)), condition).relu()
        else:
            found = self.sft2(self.conv1(found).relu(), condition)
        added: Tensor = self.conv2(found)
        return maps + added


def _sft(config: Config) -> SftLayer:
    shuffle = config.form == "shuffle"
    return SftLayer(_CONDITION, config.width, slope=0.1 if shuffle else 0.01, around_one=shuffle)


def _upsampling(config: Config) -> list[nn.Module]:
    """Return the layers that enlarge maps by two."""
    width = config.width
    if config.form == "shuffle":
        return [nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.ReLU()]
    return [nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
