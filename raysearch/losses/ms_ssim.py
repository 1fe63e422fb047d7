"""Multi-scale structural similarity as a loss: ``1 - MS-SSIM`` of every pixel, averaged over channels.

Zhao, Gallo, Frosio, Kautz, "Loss functions for image restoration with neural networks", IEEE Trans. Computational Imaging 3(1),
2017, arXiv:1511.08861. No pyramid of images: five Gaussian windows of standard deviation 0.5, 1, 2, 4 and 8 pixels see the image at
full size. The value is the luminance factor of the widest window times the contrast-structure factors of all five, all exponents 1,
each colour channel by itself. (The metric of that name, Wang et al. 2003, has a pyramid and other exponents.)

Decided here: every pixel has its windows (the authors' code computes the centre of each patch only; the values there are the same),
and a negative contrast-structure factor counts as 0.
"""

from __future__ import annotations

from typing import Literal

from raysearch.losses._windows import multi_scale
from raysearch.losses.base import PixelLossConfig
from raysearch.shapes import Image, LossMap


class Config(PixelLossConfig):
    """``1 - MS-SSIM``: between 0 (equal) and 1 where the restored image's local means are not negative."""

    kind: Literal["ms_ssim"] = "ms_ssim"

    def per_pixel(self, restored: Image, clean: Image) -> LossMap:
        """Return ``1 - MS-SSIM`` of every pixel."""
        return 1 - multi_scale(restored, clean).mean(dim=1, keepdim=True)
