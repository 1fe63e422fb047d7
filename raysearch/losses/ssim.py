"""Structural similarity as a loss: ``1 - SSIM`` of every pixel, averaged over channels.

Zhao, Gallo, Frosio, Kautz, "Loss functions for image restoration with neural networks", IEEE Trans. Computational Imaging 3(1),
2017, arXiv:1511.08861: SSIM with a Gaussian window of standard deviation 5 or 9 (their SSIM_5 and SSIM_9), C1 = 0.01², C2 = 0.03²
for images in [0, 1], each colour channel by itself. A narrow window leaves noise in flat areas, a wide one near edges.

Differs from the authors' code, which computes the pixel at the centre of each patch only: here every pixel has its window, cut at
the border of the patch (see `raysearch.losses._windows`), as theirs is. The values at the centre are the same.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysearch.losses._windows import similarity
from raysearch.losses.base import PixelLossConfig
from raysearch.shapes import Image, LossMap


class Config(PixelLossConfig):
    """``1 - SSIM``: between 0 (equal) and 2."""

    kind: Literal["ssim"] = "ssim"
    sigma: float = Field(5.0, ge=0.5, le=64)
    """Standard deviation of the Gaussian window, in pixels; the paper has 5 and 9."""

    def per_pixel(self, restored: Image, clean: Image) -> LossMap:
        """Return ``1 - SSIM`` of every pixel."""
        luminance, structure = similarity(restored, clean, self.sigma)
        return 1 - (luminance * structure).mean(dim=1, keepdim=True)
