"""MS-SSIM and a pixel error, weighted: what `mix` and `ms_ssim_l2` have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from raysearch.losses._windows import SIGMAS, blur, multi_scale
from raysearch.losses.base import Compared, Loss
from raysearch.shapes import Image, LossMap


@dataclass(frozen=True)
class Mixed(Loss):
    """``alpha (1 - MS-SSIM) + (1 - alpha) G error(restored - clean)``, G the widest window of MS-SSIM.

    Attributes:
        alpha: share of MS-SSIM, 0 to 1.
        name: of the term that the error is.
        error: from a difference to its error, value by value.
    """

    alpha: float
    name: str
    error: Callable[[Tensor], Tensor]

    def terms(self, compared: Compared) -> dict[str, LossMap]:
        """Return the two parts of every pixel, averaged over channels."""
        unlike, error = self._parts(compared.restored, compared.clean)
        return {"ms_ssim": self.alpha * unlike, self.name: (1 - self.alpha) * error}

    def _parts(self, restored: Image, clean: Image) -> tuple[LossMap, LossMap]:
        unlike = 1 - multi_scale(restored, clean)
        error = blur(self.error(restored - clean), SIGMAS[-1])
        return unlike.mean(dim=1, keepdim=True), error.mean(dim=1, keepdim=True)
