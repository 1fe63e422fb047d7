"""Bicubic enlargement, the classical baseline of super-resolution.

Input: a small image, one or three channels, nominally in [0, 1]; output: ``scale`` times larger, not clipped (the cubic overshoots
at edges). It is MATLAB's ``imresize``: Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans.
Acoustics, Speech, Signal Processing 29(6), 1981, with a = -0.5 and symmetric borders. It has no parameters.

Differs from the published "bicubic" rows: those come from 8-bit images and are rounded to 8 bit; the protocol decides that here.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from raysearch.bicubic import resize
from raysearch.models._input import require_upscaling
from raysearch.models._upscaling import SCALES
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Restored, Sigma


class Config(ModelConfig):
    """Bicubic enlargement."""

    kind: Literal["bicubic"] = "bicubic"

    def geometry(self) -> Geometry:
        """Any size; a pixel depends on pixels up to two away."""
        return Geometry(halo=2)

    def build(self, channels_in: int, channels_out: int, scale: int) -> Bicubic:
        """Build the module.

        Raises:
            SpecError: the task is no super-resolution.
        """
        require_upscaling(self.kind, (channels_in, channels_out, scale), (1, 3), SCALES)
        return Bicubic(scale)


class Bicubic(nn.Module):
    """See the module's docstring."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Enlarge; ``sigma_255`` is ignored."""
        height, width = degraded.shape[-2:]
        return resize(degraded, height * self.scale, width * self.scale)
