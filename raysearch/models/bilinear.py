"""Bilinear interpolation, the classical baseline of demosaicing and, in second place, of super-resolution. It has no parameters.

Demosaicing (a task at scale 1): every missing colour is the mean of its two or four nearest measured neighbours. Input: a Bayer
mosaic of any phase, three channels with zeros at the missing sites, nominally in [0, 1]; output: RGB, measured values unchanged. It
reads the phase from nothing: with zeros at the missing sites the same two kernels (those that Kokkinos & Lefkimmiatis, ECCV 2018,
arXiv:1803.05215, start from) are right for every phase. It ignores noise.

Super-resolution (a task at scale 2, 3, 4 or 8): an image of one or three channels is enlarged as MATLAB's ``imresize`` does it with
``bilinear``.

Differs from the start of Kokkinos & Lefkimmiatis in the border only: reflected instead of filled with zeros, so that borders are
not dark.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from raysearch.bicubic import resize
from raysearch.errors import SpecError
from raysearch.models._input import require_channels, require_size, require_upscaling
from raysearch.models._mosaic import bilinear
from raysearch.models._upscaling import SCALES
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Restored, Sigma

_GEOMETRY = Geometry(halo=1, smallest=2)


class Config(ModelConfig):
    """Bilinear interpolation of a Bayer mosaic or of a small image."""

    kind: Literal["bilinear"] = "bilinear"

    def geometry(self) -> Geometry:
        """Any size from 2x2; a pixel depends on its eight neighbours."""
        return _GEOMETRY

    def build(self, channels_in: int, channels_out: int, scale: int) -> Bilinear:
        """Build the module.

        Raises:
            SpecError: the task is neither demosaicing nor super-resolution.
        """
        task = (channels_in, channels_out, scale)
        if scale == 1:
            require_channels(self.kind, task, (3, 3, 1))
        else:
            require_upscaling(self.kind, task, (1, 3), SCALES)
        return Bilinear(scale)


class Bilinear(nn.Module):
    """See the module's docstring."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Interpolate; ``sigma_255`` is ignored.

        Raises:
            SpecError: the input is smaller than 2x2, or, at scale 1, no mosaic (two colours at one pixel).
        """
        require_size("bilinear", degraded, _GEOMETRY)
        if self.scale > 1:
            height, width = degraded.shape[-2:]
            return resize(degraded, height * self.scale, width * self.scale, "bilinear")
        if not degraded.is_meta and bool(((degraded != 0).sum(dim=1) > 1).any()):
            raise SpecError(
                "model 'bilinear' needs a Bayer mosaic, but its input holds two colours at one pixel",
                place="model.kind",
                remedy="use it with the tasks demosaic, joint_demosaic_denoise and super_resolution",
            )
        return bilinear(degraded)
