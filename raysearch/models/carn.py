"""CARN and CARN-M: residual blocks whose outputs cascade, inside a block and between blocks.

Ahn, Kang, Sohn: "Fast, accurate, and lightweight super-resolution with cascading residual network", ECCV 2018, arXiv:1803.08664.
Input: a low-resolution RGB image, nominally in [0, 1]; output: RGB in [0, 1], scale times larger, not clipped. Inside, the mean
colour of DIV2K is subtracted. A 3x3 convolution; three cascading blocks; upsampler (3x3 convolution, ReLU, pixel shuffle; scale 4
is two stages of 2, scale 8 three); a 3x3 convolution to RGB. A cascade of three units joins, after each unit, the cascade's input
and all outputs of units so far, and fuses them by a 1x1 convolution with ReLU; the next unit sees the fused maps. The units of a
cascading block are residual blocks (convolution, ReLU, convolution, plus input, ReLU), those of the network are the blocks.

CARN-M (``mobile_groups: 4``): residual blocks of two grouped 3x3 convolutions with ReLU and a 1x1 convolution, one set of weights
for the three of a cascading block, and a grouped upsampler.

Parameters at scales 2, 3, 4 and 8: CARN 964,163 / 1,148,803 / 1,111,875 / 1,259,587; CARN-M 257,027 / 303,427 / 294,147 /
331,267. With ``upsamplers: all`` (those of 2, 3 and 4 side by side, as the authors train and publish it) 1,591,939, CARN-M
414,787; the paper's tables print 1,592 K and 412 K, the latter without biases.

Initial weights: PyTorch's, as the authors'.

Differs from the sources: with ``upsamplers: all`` the scale is that of the task, and the upsamplers of the other scales are
carried along frozen: they are neither run nor trained, and not counted as trainable. Training on a random scale per step needs a
task that draws it. The order of ReLU and pixel shuffle is exchanged, without effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from raysearch.models._input import require_size, require_upscaling
from raysearch.models._published import without_mean_shift
from raysearch.models._upscaling import SCALES, div2k_mean, upsampler
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Restored, Sigma

_PLACES = 3
_PUBLISHED = (2, 3, 4)


class Config(ModelConfig):
    """CARN; the defaults are the paper's for one scale."""

    kind: Literal["carn"] = "carn"
    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions."""

    mobile_groups: int | None = Field(None, ge=1)
    """Groups of the convolutions of CARN-M (4 in the paper), a divisor of ``width``; null is CARN."""

    upsamplers: Literal["task", "all"] = "task"
    """``task``: one, for the task's scale. ``all``: those of scales 2, 3 and 4, as in the authors' checkpoints."""

    @model_validator(mode="after")
    def _groups_divide(self) -> Config:
        if self.mobile_groups is not None and self.width % self.mobile_groups:
            raise ValueError(f"mobile_groups: {self.mobile_groups} does not divide width: {self.width}")
        return self

    def geometry(self) -> Geometry:
        """Any size; a residual block reaches two pixels."""
        return Geometry(halo=2 * _PLACES**2 + 3)

    def adopt(self, published: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """Leave out the authors' fixed layers of the mean colour."""
        return without_mean_shift(published, 1.0)

    def build(self, channels_in: int, channels_out: int, scale: int) -> CARN:
        """Build the network.

        Raises:
            SpecError: the task is no super-resolution of RGB images at a scale that it has.
        """
        scales = SCALES if self.upsamplers == "task" else _PUBLISHED
        require_upscaling(self.kind, (channels_in, channels_out, scale), (3,), scales)
        return CARN(self, scale)


class CARN(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, scale: int) -> None:
        super().__init__()
        self.config, self.scale = config, scale
        width, groups = config.width, config.mobile_groups
        self.register_buffer("mean", div2k_mean(), persistent=False)
        self.mean: Tensor
        self.entry = nn.Conv2d(3, width, 3, padding=1)
        self.cascade = _Cascade([_block(width, groups) for _ in range(_PLACES)], width)
        scales = (scale,) if config.upsamplers == "task" else _PUBLISHED
        self.upsamplers = nn.ModuleDict({str(one): upsampler(width, one, nn.ReLU, groups or 1) for one in scales})
        self.exit = nn.Conv2d(width, 3, 3, padding=1)
        for name, other in self.upsamplers.items():
            other.requires_grad_(name == str(scale))

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Restore; ``sigma_255`` is ignored."""
        require_size(self.config.kind, degraded, self.config.geometry())
        maps = self.cascade(self.entry(degraded - self.mean))
        values: Tensor = self.exit(self.upsamplers[str(self.scale)](maps))
        return values.to(degraded.dtype) + self.mean


class _Cascade(nn.Module):
    """Units whose inputs are fused from all outputs before them; a single one stands at all places."""

    def __init__(self, units: list[nn.Module], width: int) -> None:
        super().__init__()
        self.units = nn.ModuleList(units)
        self.fusions = nn.ModuleList(nn.Sequential(nn.Conv2d(width * (place + 2), width, 1), nn.ReLU()) for place in range(_PLACES))

    def forward(self, maps: Tensor) -> Tensor:
        joined = maps
        for place, fusion in enumerate(self.fusions):
            unit = self.units[place % len(self.units)]
            joined = torch.cat([joined, unit(maps)], dim=1)
            maps = fusion(joined)
        return maps


def _block(width: int, groups: int | None) -> nn.Module:
    """Build a cascading block."""
    if groups is None:
        return _Cascade([_plain(width) for _ in range(_PLACES)], width)
    return _Cascade([_efficient(width, groups)], width)


class _Residual(nn.Module):
    """Layers plus their input, then ReLU."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, maps: Tensor) -> Tensor:
        return torch.relu(maps + self.body(maps))


def _plain(width: int) -> _Residual:
    return _Residual(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))


def _efficient(width: int, groups: int) -> _Residual:
    return _Residual(
        nn.Conv2d(width, width, 3, padding=1, groups=groups),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1, groups=groups),
        nn.ReLU(),
        nn.Conv2d(width, width, 1),
    )
