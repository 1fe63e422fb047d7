"""The degraded image as it is: the baseline that says how much there is to gain.

Input and output: an image, one or three channels, nominally in [0, 1]; for noise, JPEG and other tasks that keep channels and
size. Its scores are the rows "noisy", "JPEG" or "input" of the papers' tables (e.g. Zhang et al., IEEE Trans. Image Processing
26(7), 2017, where the JPEG files are a row of their own). It has no parameters.

Differs from those rows in nothing but the protocol, which clips and may round the image like any restored one.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from raysearch.models._input import require_channels
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma


class Config(ModelConfig):
    """No restoration."""

    kind: Literal["identity"] = "identity"

    def geometry(self) -> Geometry:
        """Any size; a pixel depends on itself."""
        return Geometry(halo=0)

    def build(self, channels_in: int, channels_out: int, scale: int) -> Identity:
        """Build the module.

        Raises:
            SpecError: the task changes channels or size.
        """
        require_channels(self.kind, (channels_in, channels_out, scale), (channels_in, channels_in, 1))
        return Identity()


class Identity(nn.Module):
    """See the module's docstring."""

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Return a copy; ``sigma_255`` is ignored."""
        return degraded.clone()
