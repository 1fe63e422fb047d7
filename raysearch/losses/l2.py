"""Squared error: the mean over channels of ``(restored - clean)²``, without the factor ½ that some codes carry.

The loss of DeepJDD (Gharbi et al., 2016), of DnCNN (Zhang et al., 2017, arXiv:1608.03981, there ½ and summed over pixels) and of
PatchNet's per-patch error. Its mean over an image is the mean squared error that PSNR is computed from.
"""

from __future__ import annotations

from typing import Literal

from torch.nn import functional

from raysearch.losses.base import PixelLossConfig
from raysearch.shapes import Image, LossMap


class Config(PixelLossConfig):
    """Squared error."""

    kind: Literal["l2"] = "l2"

    def per_pixel(self, restored: Image, clean: Image) -> LossMap:
        """Return the mean squared difference of every pixel."""
        return functional.mse_loss(restored, clean, reduction="none").sum(dim=1, keepdim=True) / restored.shape[1]
