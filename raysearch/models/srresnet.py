"""SRResNet, the generator of SRGAN, and MSRResNet, its successor without normalisation.

Ledig et al.: "Photo-realistic single image super-resolution using a generative adversarial network", CVPR 2017, arXiv:1609.04802.
Input: a low-resolution RGB image, nominally in [0, 1]; output: RGB in [0, 1], scale times larger, not clipped.

Variants (parameters at scales 2, 3, 4 and 8 for the defaults):

- ``srresnet`` (1,401,749 / 1,586,389 / 1,549,462 / 1,697,175): a 9x9 convolution with PReLU; blocks of convolution, batch norm,
  PReLU, convolution, batch norm, plus input; convolution and batch norm, plus the first maps; each upsampling stage a
  convolution, a pixel shuffle by 2 and PReLU; a 9x9 convolution to RGB. A PReLU has one slope. The last layer gives values in
  [-1, 1], which are mapped to [0, 1] here. Initial weights (the paper is silent): PyTorch's, but the scales of the batch norm at
  the end of a branch start at a tenth.
- ``msrresnet`` (1,369,859 / 1,554,499 / 1,517,571 / 1,665,283; not in the paper, from BasicSR): all kernels 3x3, no batch norm and
  no long skip; LeakyReLU(0.1) after the first convolution, each upsampling stage and one more convolution at full size; blocks
  with ReLU; the output is added to the bilinearly enlarged input. Initial weights: normal, variance 2 / fan-in, times 0.1;
  biases 0.

Convolutions not named otherwise are 3x3; all have a bias, also before a batch norm, where it is without effect. Scales 4 and 8 are
two and three stages of 2, scale 3 is one stage.

Differs from the sources: they have scale 4 (MSRResNet 2 to 4); the others follow the same pattern. Momentum and epsilon of the
batch norm are PyTorch's. Batch statistics are those of one worker's share of a batch.

With batch norm, and without a skip over the whole network, ``srresnet`` needs long training: a batch norm takes the mean colour of
the batch away, so that colours pass by the long skip alone, under maps that fluctuate with the batch. With all scales starting at
1, 4 blocks of 24 maps at scale 2 had 32.7 dB on Set5 (luma) after 1,800 steps on 8 patches each, less than bicubic enlargement
(33.7), and 33.8 without batch norm; and 2.4 dB less than bicubic on blurred images at scale 3 after 600 steps, most of it an error
of colours. Scales that start at a tenth let the skip through (0.3 dB less after 900 steps and 1.0 dB more after 1,700, at a rate of
0.003 in place of 0.002).
The running statistics are not what costs: the error is smaller in evaluation mode than in training mode.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.bicubic import resize
from raysearch.models._input import require_size, require_upscaling
from raysearch.models._upscaling import SCALES, upsampler
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Restored, Sigma

_SLOPE = 0.1
_FIRST_GAIN = 0.1
_FIRST_SCALE = 0.1


class Config(ModelConfig):
    """SRResNet or MSRResNet; the defaults are the paper's."""

    kind: Literal["srresnet"] = "srresnet"
    variant: Literal["srresnet", "msrresnet"] = "srresnet"
    """Which of the two; see the module's docstring."""

    blocks: int = Field(16, ge=1, le=256)
    """Residual blocks."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions."""

    def geometry(self) -> Geometry:
        """Any size; a block reaches two pixels, the wide kernels four at their resolution."""
        return Geometry(halo=2 * self.blocks + (8 if self.variant == "srresnet" else 3))

    def build(self, channels_in: int, channels_out: int, scale: int) -> SRResNet | MSRResNet:
        """Build the network.

        Raises:
            SpecError: the task is no super-resolution of RGB images at scale 2, 3, 4 or 8.
        """
        require_upscaling(self.kind, (channels_in, channels_out, scale), (3,), SCALES)
        return SRResNet(self, scale) if self.variant == "srresnet" else MSRResNet(self, scale)


class SRResNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, scale: int) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.entry = nn.Sequential(nn.Conv2d(3, width, 9, padding=4), nn.PReLU())
        self.blocks = nn.Sequential(*(_NormedBlock(width) for _ in range(config.blocks)))
        self.body_end = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), _faint_norm(width))
        self.upsampler = upsampler(width, scale, nn.PReLU)
        self.exit = nn.Conv2d(width, 3, 9, padding=4)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Restore; ``sigma_255`` is ignored."""
        require_size(self.config.kind, degraded, self.config.geometry())
        maps = self.entry(degraded)
        maps = maps + self.body_end(self.blocks(maps))
        values: Tensor = self.exit(self.upsampler(maps))
        return (values.to(degraded.dtype) + 1) / 2


class MSRResNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, scale: int) -> None:
        super().__init__()
        self.config, self.scale = config, scale
        width = config.width
        self.entry = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(_SLOPE))
        self.blocks = nn.Sequential(*(_PlainBlock(width) for _ in range(config.blocks)))
        self.upsampler = upsampler(width, scale, partial(nn.LeakyReLU, _SLOPE))
        self.exit = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(_SLOPE), nn.Conv2d(width, 3, 3, padding=1))
        self.apply(_initialise)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Restore; ``sigma_255`` is ignored."""
        require_size(self.config.kind, degraded, self.config.geometry())
        height, width = degraded.shape[-2:]
        enlarged = resize(degraded, height * self.scale, width * self.scale, "bilinear")
        details: Tensor = self.exit(self.upsampler(self.blocks(self.entry(degraded))))
        return enlarged + details.to(degraded.dtype)


class _NormedBlock(nn.Module):
    """Convolution, batch norm, PReLU, convolution, batch norm, plus the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.PReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            _faint_norm(width),
        )

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.body(maps)  # type: ignore[no-any-return]


def _faint_norm(width: int) -> nn.BatchNorm2d:
    """Build the batch norm at the end of a branch, which starts with faint outputs."""
    norm = nn.BatchNorm2d(width)
    nn.init.constant_(norm.weight, _FIRST_SCALE)
    return norm


class _PlainBlock(nn.Module):
    """Convolution, ReLU, convolution, plus the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.body(maps)  # type: ignore[no-any-return]


@torch.no_grad()
def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        assert module.bias is not None
        nn.init.kaiming_normal_(module.weight)
        module.weight *= _FIRST_GAIN
        nn.init.zeros_(module.bias)
