"""Absolute error: the mean over channels of ``|restored - clean|``.

Zhao et al., "Loss functions for image restoration with neural networks", IEEE Trans. Computational Imaging 3(1), 2017,
arXiv:1511.08861, recommend it over the squared error.
"""

from __future__ import annotations

from typing import Literal

from raysearch.losses.base import PixelLossConfig
from raysearch.shapes import Image, LossMap


class Config(PixelLossConfig):
    """Absolute error; its gradient is 0 where the images agree."""

    kind: Literal["l1"] = "l1"

    def per_pixel(self, restored: Image, clean: Image) -> LossMap:
        """Return the mean absolute difference of every pixel."""
        return (restored - clean).abs().mean(dim=1, keepdim=True)
