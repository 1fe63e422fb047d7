"""Charbonnier's loss: the mean over channels of ``sqrt((restored - clean)² + eps²)``, a smooth absolute error.

Charbonnier et al., ICIP 1994; used for restoration by Lai et al. (LapSRN), CVPR 2017, arXiv:1704.03915, with ``eps`` = 1e-3.
A perfect copy has the loss ``eps``, not 0.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysearch.losses.base import PixelLossConfig
from raysearch.shapes import Image, LossMap


class Config(PixelLossConfig):
    """Smooth absolute error."""

    kind: Literal["charbonnier"] = "charbonnier"
    eps: float = Field(1e-3, ge=1e-6, le=1)
    """Difference, on the [0, 1] scale of images, below which the loss turns from absolute to quadratic."""

    def per_pixel(self, restored: Image, clean: Image) -> LossMap:
        """Return the mean smooth absolute difference of every pixel."""
        return ((restored - clean).square() + self.eps**2).sqrt().mean(dim=1, keepdim=True)
