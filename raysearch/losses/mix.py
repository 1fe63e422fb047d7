"""Mix: MS-SSIM and the absolute error, which keeps the colours that MS-SSIM lets drift.

Zhao, Gallo, Frosio, Kautz, "Loss functions for image restoration with neural networks", IEEE Trans. Computational Imaging 3(1),
2017, arXiv:1511.08861: ``alpha (1 - MS-SSIM) + (1 - alpha) G |restored - clean|``, where G is the widest Gaussian window of MS-SSIM
(8 pixels), its weights summing to 1. The best of their losses in nearly all metrics. Images in [0, 1]: in another range the two
parts would no longer be of similar size.

``alpha`` is 0.84 in the paper; the authors' code has 0.025 as its default, without a reason being given. Differs from that code in
that every pixel has its value, not only the centre of a patch; see `raysearch.losses.ms_ssim`.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from raysearch.losses._mixed import Mixed
from raysearch.losses.base import Loss, LossConfig


class Config(LossConfig):
    """MS-SSIM and the Gaussian-weighted absolute error; terms ``ms_ssim`` and ``l1``."""

    kind: Literal["mix"] = "mix"
    alpha: float = Field(0.84, ge=0, le=1)
    """Share of MS-SSIM."""

    def build(self, device: torch.device) -> Loss:
        """Build the loss."""
        return Mixed(self.alpha, "l1", torch.abs)
