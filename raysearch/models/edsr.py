"""EDSR: residual blocks without normalisation, all at the low resolution, then an upsampler.

Lim, Son, Kim, Nah, Lee: "Enhanced deep residual networks for single image super-resolution", CVPR Workshops (NTIRE) 2017,
arXiv:1707.02921. Input: a low-resolution RGB image, nominally in [0, 1]; output: RGB in [0, 1], scale times larger, not clipped. As
in the authors' code the network works on 0..255 minus the mean colour of DIV2K; both steps and their inverses are inside. A 3x3
convolution; ``blocks`` of convolution, ReLU, convolution, times ``residual_scaling``, plus input; one more convolution, plus the
first one's maps; for each upsampling stage a convolution and a pixel shuffle (scales 4 and 8 are two and three stages of 2); a
convolution to RGB. All convolutions are 3x3 with zero padding and bias.

Parameters, at scales 2, 3, 4 and 8:

- baseline (the defaults): 1,369,859 / 1,554,499 / 1,517,571 / 1,665,283;
- large (``blocks: 32, width: 256, residual_scaling: 0.1``): 40,729,603 / 43,680,003 / 43,089,923 / 45,450,243;
- the deep one of the patch-mining paper (``blocks: 128``): 9,641,731 at scale 2.

At scale 1 it is that paper's denoiser: no upsampler, and the output is added to the input image.

Initial weights: PyTorch's, as the authors'.

Differs from the sources: the loss sees values in [0, 1], not 0..255. A gradient is 255 times smaller for it, which Adam
does not notice. At scale 1 the paper does not say where the mean goes: it is subtracted from what the network sees, and the
residual is added to the image as it is. Scale 8 has no published baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from raysearch.models._edsr_shell import REACH, Shell
from raysearch.models._input import require_upscaling
from raysearch.models._published import without_mean_shift
from raysearch.models._upscaling import SCALES
from raysearch.models.base import Geometry, ModelConfig


class Config(ModelConfig):
    """EDSR; the defaults are the baseline."""

    kind: Literal["edsr"] = "edsr"
    blocks: int = Field(16, ge=1, le=256)
    """Residual blocks: 16 in the baseline, 32 in the large network."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions: 64 in the baseline, 256 in the large network."""

    residual_scaling: float = Field(1.0, gt=0, le=1)
    """What a block's convolutions are multiplied with before its input is added: 1 in the baseline, 0.1 in the large network."""

    def geometry(self) -> Geometry:
        """Any size; a block reaches two pixels."""
        return Geometry(halo=2 * self.blocks + REACH)

    def adopt(self, published: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """Leave out the authors' fixed layers of the mean colour."""
        return without_mean_shift(published, 255.0)

    def build(self, channels_in: int, channels_out: int, scale: int) -> Shell:
        """Build the network.

        Raises:
            SpecError: the task is not RGB, or at another scale than 1, 2, 3, 4 or 8.
        """
        require_upscaling(self.kind, (channels_in, channels_out, scale), (3,), (1, *SCALES))
        blocks = (_Block(self.width, self.residual_scaling) for _ in range(self.blocks))
        return Shell(self.kind, self.geometry(), blocks, self.width, scale)


class _Block(nn.Module):
    """Convolution, ReLU, convolution, times ``scaling``, plus the input."""

    def __init__(self, width: int, scaling: float) -> None:
        super().__init__()
        self.scaling = scaling
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, maps: Tensor) -> Tensor:
        change: Tensor = self.body(maps)
        return maps + change * self.scaling
