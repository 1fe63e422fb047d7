"""BM3D: alike blocks of an image are stacked and filtered together, twice.

Dabov, Foi, Katkovnik, Egiazarian: "Image denoising by sparse 3-D transform-domain collaborative filtering", IEEE Trans. Image
Processing 16(8), 2007. Input: a noisy image of one or three channels, nominally in [0, 1], and the level of its white Gaussian
noise; output: the restored image, not clipped. A classical method without parameters, written here from the paper: the authors'
package may not be used commercially.

1. Basic estimate. The blocks of 8x8 pixels that are most like a reference block (at most 16, in a window of 39x39 places) are
   stacked; of the stack's transform (biorthogonal wavelets 1.5 over a block, Haar along the stack) the coefficients below 2.7 sigma
   become 0; the blocks are averaged into their places, a stack with 1 over the number of coefficients that it kept.
2. Final estimate. Blocks are matched anew in the basic estimate (at most 32). The transform (DCT, Haar) of the noisy stack is
   multiplied by B^2 / (B^2 + sigma^2), B being that of the basic stack; a stack counts with 1 over the sum of squared factors.

A block is alike if its mean squared difference is below 3000 (then 400) on the 0..255 scale, and a stack is as high as the largest
power of two that there is. Reference blocks stand every 3 pixels, and a Kaiser window (beta 2) weighs a block's pixels. Above a
level of 40 blocks are compared after their own coefficients below 2 sigma were set to 0, the bounds are 5000, 2.8 sigma and 3500,
and the blocks of the second step have 11x11 pixels, every 6.

In colour (Dabov et al., "Color image denoising via sparse 3D collaborative filtering with grouping constraint in
luminance-chrominance space", ICIP 2007) the three channels of the opponent space, scaled so that each has the same noise, are
filtered with the groups of the luminance (R + G + B) / 3.

Differs from the source: where a noise map is given, each stack has the mean level of its reference block, and the level of 40 is
that of the image's mean. Multiply-accumulates are not counted. On a GPU results agree to rounding, since sums are added in any
order.
"""

from __future__ import annotations

from functools import cache
from math import isqrt, pi, sqrt
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from raysearch.models._input import require_kept, require_sigma, require_size
from raysearch.models._nonlocal import Groups, Plane, continued, match
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma

Stacks = Float[Tensor, "c m count side side"]
"""Stacks of blocks of every channel."""

Levels = Float[Tensor, "1 h w"]
"""The noise level of every pixel, in the image's unit."""

Strengths = Float[Tensor, " references"]
"""A noise level for each reference block, in the image's unit."""

Transform = Literal["wavelets", "cosines"]

_RADIUS = 19  # a window of 39 x 39 places
_LOUD_255 = 40.0
_ROUND = 1024  # stacks that are filtered at once
_LOW = (3, -3, -22, 22, 128, 128, 22, -22, -3, 3)  # taps of the wavelets' low pass, to a scale
_OPPONENT = ((1, 1, 1), (1, 0, -1), (1, -2, 1))


class _Step(NamedTuple):
    """Settings of one of the two steps."""

    block: int
    step: int
    group: int
    alike_255: float
    """Largest mean squared difference of alike blocks, on the 0..255 scale."""

    threshold: float = 0.0
    """Of coefficients, in noise levels; in the first step only."""

    cleaned: float = 0.0
    """Threshold of a block's own coefficients before blocks are compared, in noise levels."""


_QUIET = (_Step(8, 3, 16, 3000.0, 2.7), _Step(8, 3, 32, 400.0))
_LOUD = (_Step(8, 3, 16, 5000.0, 2.8, 2.0), _Step(11, 6, 32, 3500.0))
_SMALLEST = max(one.block + isqrt(one.group - 1) for one in (*_QUIET, *_LOUD))  # room for a group in every corner


class Config(ModelConfig):
    """BM3D in its normal profile."""

    kind: Literal["bm3d"] = "bm3d"

    def geometry(self) -> Geometry:
        """A block depends on where the image begins, so an image is never cut."""
        return Geometry(halo=0, smallest=_SMALLEST, whole=True)

    def build(self, channels_in: int, channels_out: int, scale: int) -> BM3D:
        """Build the method.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return BM3D(self)


class BM3D(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._geometry = config.geometry()

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Restore the image.

        Raises:
            SpecError: no noise level is given, or the image is too small for a group.
        """
        require_size("bm3d", degraded, self._geometry)
        level = require_sigma("bm3d", sigma_255)
        if degraded.is_meta:
            return degraded.clone()
        levels = (level / 255).to(degraded.dtype).expand(len(degraded), 1, *degraded.shape[-2:])
        with torch.no_grad(), torch.autocast(degraded.device.type, enabled=False):
            return torch.stack([_restored(image, one) for image, one in zip(degraded, levels, strict=True)])


def _restored(noisy: Plane, level: Levels) -> Plane:
    """Restore one image."""
    first, second = _LOUD if level.mean().item() * 255 > _LOUD_255 else _QUIET
    planes = noisy
    if len(noisy) == 3:
        opponent = functional.normalize(noisy.new_tensor(_OPPONENT), dim=1)
        planes = torch.einsum("ij,jhw->ihw", opponent, noisy)
    basic = _step(first, planes, None, level)
    final = _step(second, planes, basic, level)
    return torch.einsum("ij,ihw->jhw", opponent, final) if len(noisy) == 3 else final


def _step(settings: _Step, noisy: Plane, basic: Plane | None, level: Levels) -> Plane:
    """Take one of the two steps; the first has no basic estimate."""
    (height, width), block, step = noisy.shape[-2:], settings.block, settings.step
    noisy, level = continued(noisy, block, step), continued(level, block, step)
    guide = noisy if basic is None else continued(basic, block, step)
    luminance = guide[:1] / (sqrt(3) if len(guide) == 3 else 1)
    sigma = functional.avg_pool2d(level[None], block, step).flatten()
    groups, sizes = _grouped(luminance, settings, sigma)
    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy)
    for size in sorted(set(sizes.tolist())):
        for part in (sizes == size).nonzero()[:, 0].split(_ROUND):
            at = _places(groups[part, :size], block, noisy.shape[-1])
            seen = None if basic is None else _cut(guide, at)
            found, trust = _filtered(_cut(noisy, at), seen, sigma[part], settings.threshold)
            trust = trust * _kaiser(block).to(noisy)
            index = at.flatten().expand(len(noisy), -1)
            total.flatten(1).scatter_add_(1, index, (found * trust).flatten(1))
            weight.flatten(1).scatter_add_(1, index, trust.expand_as(found).flatten(1))
    return (total / weight)[..., :height, :width]


def _grouped(luminance: Plane, settings: _Step, sigma: Strengths) -> tuple[Groups, Tensor]:
    """Find the group of every reference block, and how many of its blocks count: a power of two, (references,), int64."""
    groups = match(luminance, settings.block, settings.step, _RADIUS, settings.group)
    blocks = _cut(luminance, _places(groups, settings.block, luminance.shape[-1]))[0]
    if settings.cleaned:
        spectrum = _transformed(blocks, "wavelets")
        blocks = spectrum * (spectrum.abs() > settings.cleaned * sigma.view(-1, 1, 1, 1))
    apart, order = (blocks - blocks[:, :1]).square().mean(dim=(2, 3)).sort(dim=1, stable=True)
    alike = (apart <= settings.alike_255 / 255**2).sum(dim=1)
    return groups.gather(1, order), 2 ** alike.clamp_min(1).log2().floor().long()


def _places(groups: Groups, side: int, width: int) -> Tensor:
    """Return where the pixels of the blocks stand in the flat image: (m, count, side, side)."""
    inside = torch.arange(side, device=groups.device)
    return groups[:, :, None, None] + inside[:, None] * width + inside


def _cut(image: Plane, at: Tensor) -> Stacks:
    return image.flatten(1)[:, at]


def _filtered(noisy: Stacks, basic: Stacks | None, sigma: Strengths, threshold: float) -> tuple[Stacks, Tensor]:
    """Filter stacks; return them with the weight of each, (c, m, 1, 1, 1)."""
    level = sigma.view(-1, 1, 1, 1)
    name: Transform = "wavelets" if basic is None else "cosines"
    found = _along(_transformed(noisy, name), inverse=False)
    if basic is None:
        factor = (found.abs() > threshold * level).to(found.dtype)
    else:
        power = _along(_transformed(basic, name), inverse=False).square()
        factor = power / (power + level**2).clamp_min(1e-20)
    trust = 1 / factor.square().sum(dim=(2, 3, 4), keepdim=True).clamp_min(1e-3)
    return _transformed(_along(found * factor, inverse=True), name, inverse=True), trust


def _transformed(blocks: Tensor, name: Transform, *, inverse: bool = False) -> Tensor:
    """Transform both axes of blocks (..., side, side), or come back."""
    matrix = _matrix(name, blocks.shape[-1])[int(inverse)].to(blocks)
    return matrix @ blocks @ matrix.T


def _along(stacks: Stacks, *, inverse: bool) -> Stacks:
    """Apply the Haar transform along stacks, whose height is a power of two, or come back."""
    matrix = _haar(stacks.shape[2]).to(stacks)
    return torch.einsum("ij,cmjyx->cmiyx", matrix.T if inverse else matrix, stacks)


@cache
def _haar(count: int) -> Tensor:
    """Return the orthonormal Haar matrix, (count, count), float64."""
    if count == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    half = _haar(count // 2)
    pairs = torch.eye(count // 2, dtype=torch.float64)
    sums = torch.kron(half, torch.ones(1, 2, dtype=torch.float64))
    details = torch.kron(pairs, torch.tensor([[1.0, -1.0]], dtype=torch.float64))
    return torch.cat([sums, details]) / sqrt(2)


@cache
def _matrix(name: Transform, side: int) -> tuple[Tensor, Tensor]:
    """Return a transform of one axis and its inverse, (side, side), float64; each of its functions has the norm 1."""
    place = torch.arange(side, dtype=torch.float64)
    if name == "cosines":
        forward = torch.cos((2 * place + 1) * place[:, None] * (pi / (2 * side)))
    else:
        forward = _wavelets(torch.eye(side, dtype=torch.float64))
    forward = functional.normalize(forward, dim=1)
    return forward, torch.linalg.inv(forward)


def _wavelets(signals: Tensor) -> Tensor:
    """Return all levels of the biorthogonal wavelet transform 1.5 of the columns, continued periodically; coarsest first."""
    side = len(signals)
    if side == 1:
        return signals
    place = 2 * torch.arange(side // 2)[:, None] + torch.arange(len(_LOW)) - (len(_LOW) // 2 - 1)
    low = torch.einsum("t,ktc->kc", signals.new_tensor(_LOW), signals[place % side])
    high = signals[1::2] - signals[0::2]
    return torch.cat([_wavelets(low), high])


@cache
def _kaiser(side: int) -> Tensor:
    """Return the weights of a block's pixels, (side, side), float64."""
    window = torch.kaiser_window(side, periodic=False, beta=2.0, dtype=torch.float64)
    return window[:, None] * window
