"""Bilinear demosaicing, the classical baseline: every missing colour is the mean of its two or four nearest measured neighbours.

Input: a Bayer mosaic of any phase, three channels with zeros at the missing sites, nominally in [0, 1]; output: RGB, measured
values unchanged. It has no parameters and reads the phase from nothing: with zeros at the missing sites the same two kernels
(those that Kokkinos & Lefkimmiatis, ECCV 2018, arXiv:1803.05215, start from) are right for every phase.

Differs from that start in the border only: reflected instead of filled with zeros, so that borders are not dark. It ignores
noise.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from raysearch.errors import SpecError
from raysearch.models._input import require_channels, require_size
from raysearch.models._mosaic import bilinear
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma

_GEOMETRY = Geometry(halo=1, smallest=2)


class Config(ModelConfig):
    """Bilinear interpolation of a Bayer mosaic."""

    kind: Literal["bilinear"] = "bilinear"

    def geometry(self) -> Geometry:
        """Any size from 2x2; a pixel depends on its eight neighbours."""
        return _GEOMETRY

    def build(self, channels_in: int, channels_out: int, scale: int) -> Bilinear:
        """Build the module.

        Raises:
            SpecError: the task is no demosaicing.
        """
        require_channels(self.kind, (channels_in, channels_out, scale), (3, 3, 1))
        return Bilinear()


class Bilinear(nn.Module):
    """See the module's docstring."""

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Interpolate; ``sigma_255`` is ignored.

        Raises:
            SpecError: the input is no mosaic (two colours at one pixel), or smaller than 2x2.
        """
        require_size("bilinear", degraded, _GEOMETRY)
        if not degraded.is_meta and bool(((degraded != 0).sum(dim=1) > 1).any()):
            raise SpecError(
                "model 'bilinear' needs a Bayer mosaic, but its input holds two colours at one pixel",
                place="model.kind",
                remedy="use it with the tasks demosaic and joint_demosaic_denoise",
            )
        return bilinear(degraded)
