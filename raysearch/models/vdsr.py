"""VDSR: a deep plain network that adds the details to the bicubically enlarged image.

Kim, Lee, Lee: "Accurate image super-resolution using very deep convolutional networks", CVPR 2016, arXiv:1511.04587. Input: a
low-resolution image, nominally in [0, 1]; output: in [0, 1], scale times larger, not clipped. The image is enlarged bicubically (as
MATLAB does), then ``depth`` 3x3 convolutions with zero padding and ReLU between them predict what is added. The paper restores
luma, one channel; three channels (RGB) are the same network with wider first and last layers. The weights do not depend on the
scale: one set serves all. Parameters in luma: 664,704, with ``bias: true`` 665,921; in RGB 667,008 and 668,227.

Initial weights: normal, variance 2 / fan-in, biases 0.

Differs from the sources: the network enlarges the image itself (theirs is given the enlarged one), so that it fits the same
task as the others. The paper trains with SGD at a rate of 0.1 and gradients clipped in proportion to 1 / rate; ports that clip
without the division train badly, and Adam at 1e-4 is the safe choice. Training on several scales at once, as in the paper, is
what `raysearch.tasks.general_denoise` does for networks that are given enlarged images (leave out its noise and its JPEG). Scale 8
is not in the paper.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from raysearch.bicubic import resize
from raysearch.models._input import require_size, require_upscaling
from raysearch.models._upscaling import SCALES
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Restored, Sigma

_BICUBIC = 2  # pixels that the enlarging reaches


class Config(ModelConfig):
    """VDSR; the defaults are the paper's size."""

    kind: Literal["vdsr"] = "vdsr"
    depth: int = Field(20, ge=2, le=128)
    """3x3 convolutions."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions."""

    bias: bool = False
    """Give the convolutions a bias."""

    def geometry(self) -> Geometry:
        """Any size; the convolutions reach half as far in pixels of the input, or less at larger scales."""
        return Geometry(halo=(self.depth + 1) // 2 + _BICUBIC)

    def build(self, channels_in: int, channels_out: int, scale: int) -> VDSR:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task is no super-resolution of luma or RGB at scale 2, 3, 4 or 8.
        """
        require_upscaling(self.kind, (channels_in, channels_out, scale), (1, 3), SCALES)
        return VDSR(self, channels_in, scale)


class VDSR(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int, scale: int) -> None:
        super().__init__()
        self.config, self.scale = config, scale
        width = config.width
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1, bias=config.bias), nn.ReLU()]
        for _ in range(config.depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1, bias=config.bias), nn.ReLU()]
        self.details = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1, bias=config.bias))
        self.apply(_initialise)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Enlarge and add the details; ``sigma_255`` is ignored."""
        require_size(self.config.kind, degraded, self.config.geometry())
        height, width = degraded.shape[-2:]
        enlarged = resize(degraded, height * self.scale, width * self.scale)
        details: Tensor = self.details(enlarged)
        return enlarged + details.to(degraded.dtype)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
