"""NN3D: any denoiser, alternated with a non-local filter on groups of alike blocks.

Cruz, Foi, Katkovnik, Egiazarian: "Nonlocality-reinforced convolutional neural networks for image denoising", IEEE Signal Processing
Letters 25(8), 2018, arXiv:1803.02112. Input: a noisy image of one or three channels, nominally in [0, 1], and its noise level;
output: the restored image, not clipped. With lambda = 1/k in iteration k (from 1), the denoiser is given lambda times the noisy
image plus 1 - lambda times the last estimate, and lambda times the noise level; what it returns is filtered with tau = lambda
sigma / 4: the ``group`` most alike blocks of every reference block within a window are stacked, their Haar coefficients q along
the stack become q**3 / (q**2 + tau**2), the mean stays, and the blocks are averaged into their places. Blocks are matched once, on
what the denoiser first returns, over all channels together; the channels are filtered each for itself.

The denoiser is any model here that keeps channels and size: ``ffdnet`` is told the reduced noise level; one that is not told
(``dncnn``) should be blind, or trained for the level. In training mode the denoiser alone is run: the filter has nothing to learn,
and the paper takes the network as it was trained. So a trial trains the denoiser as it would alone, and evaluates both together.

Differs from the source, as far as that says: reference blocks stand every 4 pixels, the window is 39 pixels wide, a group counts
with 1 over the sum of its squared shrinkage factors, and the levels of a noise map are averaged over the reference block (decided
here). Multiply-accumulates are counted for the denoiser's passes only. On a GPU results agree to rounding, since sums are added in
any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Annotated, Literal

import torch
from pydantic import Field, SerializeAsAny, model_validator
from torch import Tensor, nn
from torch.nn import functional

from raysearch.component import Kind
from raysearch.models._input import require_kept, require_sigma, require_size
from raysearch.models._nonlocal import collaborate, continued, match
from raysearch.models.base import Geometry, ModelConfig, Restoration
from raysearch.models.ffdnet import Config as FFDNet
from raysearch.shapes import Image, Sigma

_STRENGTH = 1 / 4  # tau over the noise level


class Config(ModelConfig):
    """A denoiser with its non-local filter; the defaults are the paper's."""

    kind: Literal["nn3d"] = "nn3d"
    denoiser: Annotated[SerializeAsAny[ModelConfig], Kind("raysearch.models")] = FFDNet()
    """The network inside."""

    iterations: int = Field(2, ge=1, le=20)
    """How often denoiser and filter are applied."""

    block: int = Field(10, ge=2, le=32)
    """Side of a block, in pixels."""

    group: int = Field(32, ge=2, le=256)
    """Blocks in a group: a power of two."""

    step: int = Field(4, ge=1, le=32)
    """Distance of the reference blocks, in pixels; not more than a block."""

    window: int = Field(39, ge=3, le=255)
    """Side of the square of places at which alike blocks are looked for, in pixels: odd."""

    @model_validator(mode="after")
    def _fits(self) -> Config:
        if self.group & (self.group - 1):
            raise ValueError(f"group must be a power of two, not {self.group}")
        if self.window % 2 == 0:
            raise ValueError(f"window must be odd, not {self.window}")
        if ((self.window + 1) // 2) ** 2 < self.group:
            raise ValueError(
                f"a window of {self.window} has {((self.window + 1) // 2) ** 2} blocks in a corner, fewer than a group"
            )
        if self.step > self.block:
            raise ValueError(f"with a step of {self.step}, blocks of {self.block} leave pixels out")
        if self.denoiser.geometry().margin:
            raise ValueError("the denoiser loses a border; choose one that keeps the size (padding: same)")
        return self

    @property
    def extras(self) -> frozenset[str]:
        """The denoiser's."""
        return self.denoiser.extras

    def geometry(self) -> Geometry:
        """The denoiser's sizes, and room for a group in every corner; a block depends on where the image begins."""
        inner = self.denoiser.geometry()
        room = self.block + isqrt(self.group - 1)  # a square of that many places has room for a group
        return Geometry(halo=0, multiple_of=inner.multiple_of, smallest=max(inner.smallest, room), whole=True)

    def adopt(self, published: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """Return the denoiser's published weights under the names that they have inside."""
        adopted = self.denoiser.adopt(published)
        return None if adopted is None else {f"denoiser.{name}": value for name, value in adopted.items()}

    def build(self, channels_in: int, channels_out: int, scale: int) -> Nn3d:
        """Build denoiser and filter.

        Raises:
            SpecError: the task changes the channels or the size, or the denoiser does not exist for it.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return Nn3d(self, self.denoiser.build(channels_in, channels_out, scale))


class Nn3d(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, denoiser: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.denoiser = denoiser

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image | Restoration:
        """Restore the image; in training mode by the denoiser alone.

        Raises:
            SpecError: no noise level is given, or the image is too small for a group.
        """
        require_size(self.config.kind, degraded, self.config.geometry())
        level = require_sigma(self.config.kind, sigma_255)
        output: Image | Restoration = self.denoiser(degraded, level)
        if self.training or isinstance(output, Restoration):
            return output
        return self._reinforced(output, degraded, level)

    def _reinforced(self, estimate: Image, degraded: Image, level: Sigma) -> Image:
        """Filter the denoiser's first result, and go on from there."""
        groups = [self._groups(image) for image in estimate]
        for k in range(1, self.config.iterations + 1):
            if k > 1:
                estimate = self.denoiser(degraded / k + estimate * (1 - 1 / k), level / k)
            estimate = self._filter(estimate, groups, level / k)
        return estimate

    def _groups(self, image: Tensor) -> Tensor:
        config = self.config
        return match(continued(image, config.block, config.step), config.block, config.step, config.window // 2, config.group)

    def _filter(self, images: Image, groups: list[Tensor], level: Sigma) -> Image:
        """Filter every image of a batch with its own groups."""
        block, step = self.config.block, self.config.step
        height, width = images.shape[-2:]
        levels = level.to(images.dtype).expand(len(images), 1, height, width)
        filtered = []
        for image, group, one in zip(images, groups, levels, strict=True):
            tau = functional.avg_pool2d(continued(one, block, step), block, step).flatten()
            filtered.append(collaborate(continued(image, block, step), group, tau * _STRENGTH / 255, block))
        return torch.stack(filtered)[..., :height, :width]
