"""The error of an estimated noise level, in which guessing too low costs more: CBDNet's asymmetric loss.

Guo, Yan, Zhang, Zuo, Zhang, "Toward convolutional blind denoising of real photographs", CVPR 2019, arXiv:1807.04686:
``|alpha - 1[estimate < true]| (estimate - true)²`` with alpha = 0.3, so that too low an estimate has the weight 0.7 and too high a
one 0.3: the denoiser that follows copes with the latter. A widely used port has the two exchanged; this is the paper's sign.

The paper's whole loss is a `sum` of ``l2``, this with the weight 0.5, and ``tv`` (``of: sigma``, ``power: 2``) with the weight
0.05.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from raysearch.losses._maps import Values, per_pixel
from raysearch.losses.base import Compared, Loss, LossConfig
from raysearch.shapes import LossMap, Sigma


class Config(LossConfig):
    """Squared error of the noise level; one term, ``asymmetric``.

    Reads the network's extra output ``sigma``, the estimate on the scale of the image, (b, 1 or c, h, w), and the noise level that
    the task applied.
    """

    kind: Literal["asymmetric"] = "asymmetric"
    alpha: float = Field(0.3, gt=0, lt=1)
    """Weight of an estimate that is too high; one that is too low has ``1 - alpha``."""

    @property
    def reads(self) -> frozenset[str]:
        """The estimate and the truth."""
        return frozenset({"sigma", "sigma_255"})

    def build(self, device: torch.device) -> Loss:
        """Build the loss."""
        return Asymmetric(self.alpha)


class Asymmetric(Loss):
    """See the module's docstring."""

    def __init__(self, alpha: float) -> None:
        self._alpha = alpha

    def terms(self, compared: Compared) -> dict[str, LossMap]:
        """Return the error of every pixel's estimate."""
        assert compared.sigma_255 is not None  # asked for by `Config.reads`
        values = self._error(compared.extras["sigma"].to(compared.clean.dtype), compared.sigma_255)
        return {"asymmetric": per_pixel(values, *compared.restored.shape[-2:])}

    def _error(self, estimate: Values, sigma_255: Sigma) -> Values:
        error = estimate - sigma_255 / 255
        too_low = (error < 0).to(error.dtype)
        return (too_low - self._alpha).abs() * error.square()
