"""OISR-RK2-s: EDSR whose blocks are steps of Heun's method, a Runge-Kutta scheme of second order.

He, Mo, Wang, Liu, Yang, Cheng: "ODE-inspired network design for single image super-resolution", CVPR 2019. Input: a low-resolution
RGB image, nominally in [0, 1]; output: RGB in [0, 1], scale times larger, not clipped. Entry, long skip, upsampler, exit and the
range inside (0..255 minus the mean colour of DIV2K) are EDSR's. A block computes y = x + G1(x) and returns x + s (G1(x) + G2(y)):
each G is PReLU, 3x3 convolution, PReLU, 3x3 convolution, with weights of its own; a PReLU has one slope per map, at first 0.25; s
is learnt, at first 0.5. Parameters at scales 2, 3, 4 and 8: 1,371,915 / 1,556,555 / 1,519,627 / 1,667,339.

Initial weights: PyTorch's.

Differs from the sources: in the authors' code the 24 weights of the mean shift are trained by mistake; here they are
constant. The loss sees values in [0, 1], not 0..255. Scale 8 is not published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.models._edsr_shell import REACH, Shell
from raysearch.models._input import require_upscaling
from raysearch.models._published import without_mean_shift
from raysearch.models._upscaling import SCALES
from raysearch.models.base import Geometry, ModelConfig

_FIRST_STEP = 0.5


class Config(ModelConfig):
    """OISR-RK2; the defaults are the small network (s)."""

    kind: Literal["oisr"] = "oisr"
    blocks: int = Field(8, ge=1, le=128)
    """Heun steps; each has four convolutions, as two blocks of EDSR."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions."""

    def geometry(self) -> Geometry:
        """Any size; a block reaches four pixels."""
        return Geometry(halo=4 * self.blocks + REACH)

    def adopt(self, published: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """Leave out the layers of the mean colour where they are what they should be (the authors' train them by mistake)."""
        return without_mean_shift(published, 255.0)

    def build(self, channels_in: int, channels_out: int, scale: int) -> Shell:
        """Build the network.

        Raises:
            SpecError: the task is no super-resolution of RGB images at scale 2, 3, 4 or 8.
        """
        require_upscaling(self.kind, (channels_in, channels_out, scale), (3,), SCALES)
        return Shell(self.kind, self.geometry(), (_Heun(self.width) for _ in range(self.blocks)), self.width, scale)


class _Heun(nn.Module):
    """One step of Heun's method."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _slope_of(width)
        self.second = _slope_of(width)
        self.step = nn.Parameter(torch.tensor(_FIRST_STEP))

    def forward(self, maps: Tensor) -> Tensor:
        before = self.first(maps)
        after = self.second(maps + before)
        return maps + self.step * (before + after)  # type: ignore[no-any-return]


def _slope_of(width: int) -> nn.Sequential:
    """Build G, the right side of the differential equation."""
    return nn.Sequential(
        nn.PReLU(width),
        nn.Conv2d(width, width, 3, padding=1),
        nn.PReLU(width),
        nn.Conv2d(width, width, 3, padding=1),
    )
