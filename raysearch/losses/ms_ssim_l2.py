"""MS-SSIM and the squared error: the variant of `raysearch.losses.mix` that its authors compare with.

Zhao, Gallo, Frosio, Kautz, "Loss functions for image restoration with neural networks", IEEE Trans. Computational Imaging 3(1),
2017, arXiv:1511.08861: ``alpha (1 - MS-SSIM) + (1 - alpha) G (restored - clean)² / 2``, where G is the widest Gaussian window of
MS-SSIM (8 pixels), its weights summing to 1. The half and ``alpha`` = 0.1 are those of the authors' code. Differs from it in
that every pixel has its value, not only the centre of a patch; see `raysearch.losses.ms_ssim`.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from raysearch.losses._mixed import Mixed
from raysearch.losses.base import Loss, LossConfig


class Config(LossConfig):
    """MS-SSIM and half the Gaussian-weighted squared error; terms ``ms_ssim`` and ``l2``."""

    kind: Literal["ms_ssim_l2"] = "ms_ssim_l2"
    alpha: float = Field(0.1, ge=0, le=1)
    """Share of MS-SSIM."""

    def build(self, device: torch.device) -> Loss:
        """Build the loss."""
        return Mixed(self.alpha, "l2", _half_square)


def _half_square(difference: Tensor) -> Tensor:
    return difference.square() / 2
