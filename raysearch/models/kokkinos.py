"""The cascade of Kokkinos and Lefkimmiatis: one denoiser, applied again and again between measured values that are put back.

Kokkinos, Lefkimmiatis: "Deep image demosaicking using a cascade of convolutional residual denoising networks", ECCV 2018,
arXiv:1803.05215. Input: a Bayer mosaic of three channels with zeros at the missing sites, nominally in [0, 1], and the standard
deviation of its noise; output: RGB, clipped to [0, 1]. Inside, values are in 0..255.

Each of ``iterations`` steps extrapolates from the last two images (weight exp(w)), writes the measured values in, subtracts
what the denoiser takes for noise, and clips to 0..255. The denoiser (380,355 parameters) is shared by all steps: a 5x5
convolution, residual blocks of PReLU and 3x3 convolution, twice (the first block without its skip), a transposed 5x5 convolution,
and a projection: an estimate whose norm is above exp(alpha) sigma sqrt(n - 1), with n values in the image, is scaled down to it.
Each step has its own alpha, from log 2 to log 1, and w, from log k / (k + 3) in step k: 380,395 parameters with 20. Every
convolution is weight-normalised. Borders are reflected.

Differs from the sources:

- The authors' code means to subtract each filter's mean, but does so to weights that the weight normalisation computes anew before
  they are used: their results and published weights are those of filters with their means, the default here. ``zero_mean: true``
  does what was meant (for all but the transposed convolution; it trained a little worse in a first trial).
- The noise level is the task's; below 1, and without one, it is taken as 1, which is the authors' value for images without noise
  (they estimate the others by a wavelet filter). A map of levels counts with its root mean square.
- The gradient flows through all iterations at once, from the last image alone (theirs: every five steps a loss of half the weight,
  and a descent over these five), so training needs the memory of all of them; the denoiser starts untrained, theirs is trained on
  noise first.
- Measured values are put back exactly (by selection, not by subtraction). The interpolation to start from reflects the border.
- Initial weights: normal with variance 2 / (9 width), biases 0, slopes 0.1; those of the last convolution at a hundredth of that.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from raysearch.models._input import require_channels, require_size
from raysearch.models._mosaic import bilinear
from raysearch.models._phase import Phase, measured
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma

_SMALLEST = 3  # two pixels are reflected about the border
_SLOPE = 0.1
_LAST_SCALE = 0.01

Level = Float[Tensor, "#b 1 1 1"]
"""One noise level per image, on the 0..255 scale."""


class Config(ModelConfig):
    """The cascade; the defaults are the authors' for demosaicking."""

    kind: Literal["kokkinos"] = "kokkinos"
    iterations: int = Field(20, ge=2, le=100)
    """Steps of the cascade."""

    phase: Phase = "grbg"
    """Of the mosaic: which values are measured; as the task has it."""

    start: Literal["bilinear", "mosaic"] = "bilinear"
    """The first image: the bilinear interpolation, or the mosaic with its zeros."""

    zero_mean: bool = False
    """Whether the mean of each filter is subtracted; see the module's docstring."""

    blocks: int = Field(5, ge=1, le=32)
    """Residual blocks of the denoiser."""

    width: int = Field(64, ge=1, le=512)
    """Maps of the denoiser."""

    def geometry(self) -> Geometry:
        """Any size from 3x3; the projection's norm is one of the whole image."""
        return Geometry(halo=0, smallest=_SMALLEST, whole=True)

    def build(self, channels_in: int, channels_out: int, scale: int) -> Kokkinos:
        """Build the network.

        Raises:
            SpecError: the task is no demosaicing.
        """
        require_channels(self.kind, (channels_in, channels_out, scale), (3, 3, 1))
        return Kokkinos(self)


class Kokkinos(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.alpha = nn.Parameter(torch.linspace(math.log(2), 0, config.iterations))
        step = torch.arange(config.iterations).clamp_min(1)
        self.w = nn.Parameter((step / (step + 3)).log())
        self.denoiser = _Denoiser(config)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Restore a mosaic.

        Raises:
            SpecError: the input is smaller than 3x3, or no mosaic of the configured phase.
        """
        config = self.config
        require_size(config.kind, degraded, config.geometry())
        sites, mosaic = measured(config.kind, degraded, config.phase), 255 * degraded
        level = _level(sigma_255, mosaic)
        now = bilinear(mosaic) if config.start == "bilinear" else mosaic
        before = now
        for k in range(config.iterations):
            ahead = now + self.w[k].exp() * (now - before) if k else now
            whole = put_back(ahead, mosaic, sites)
            noise = into_ball(self.denoiser(whole).to(whole.dtype), level * self.alpha[k].exp())
            before, now = now, (whole - noise).clamp(0, 255)
        return now / 255


def put_back(estimate: Image, mosaic: Image, sites: Bool[Tensor, "1 3 h w"]) -> Image:
    """Return the estimate with the measured values in their places: the gradient step of the cascade."""
    return torch.where(sites, mosaic, estimate)


def into_ball(noise: Image, level: Level) -> Image:
    """Scale an estimate of noise down to a standard deviation of ``level``, where it is above."""
    radius = level * math.sqrt(noise[0].numel() - 1)
    size = noise.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
    return noise * (radius / torch.maximum(size, radius))


def _level(sigma_255: Sigma | None, mosaic: Image) -> Level:
    """Return one level per image, at least 1."""
    if sigma_255 is None:
        return mosaic.new_ones(1, 1, 1, 1)
    return sigma_255.to(mosaic.dtype).square().mean(dim=(2, 3), keepdim=True).sqrt().clamp_min(1)


class _Denoiser(nn.Module):
    """ResDNet; returns the noise."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width, centred = config.width, config.zero_mean
        self.entry = _NormedConv(3, width, 5, centred=centred)
        self.blocks = nn.ModuleList(_Block(width, skip=number > 0, centred=centred) for number in range(config.blocks))
        self.exit = _NormedTransposed(width, 3, 5)

    def forward(self, image: Image) -> Image:
        maps = self.entry(image)
        for block in self.blocks:
            maps = block(maps)
        noise: Tensor = self.exit(maps)
        return noise


class _Block(nn.Module):
    """PReLU and convolution, twice."""

    def __init__(self, width: int, *, skip: bool, centred: bool) -> None:
        super().__init__()
        self.skip = skip
        self.conv1 = _NormedConv(width, width, 3, centred=centred)
        self.relu1 = nn.PReLU(width, init=_SLOPE)
        self.relu2 = nn.PReLU(width, init=_SLOPE)
        self.conv2 = _NormedConv(width, width, 3, centred=centred)

    def forward(self, maps: Tensor) -> Tensor:
        found: Tensor = self.conv2(self.relu2(self.conv1(self.relu1(maps))))
        return maps + found if self.skip else found


class _Normed(nn.Module):
    """Weights as a direction and a length for each entry of their first dimension."""

    def __init__(self, shape: tuple[int, int, int, int], outputs: int, length: float) -> None:
        super().__init__()
        std = math.sqrt(2 / (9 * max(shape[:2])))
        self.bias = nn.Parameter(torch.zeros(outputs))
        direction = std * torch.randn(shape)
        self.weight_g = nn.Parameter(length * direction.square().sum(dim=(1, 2, 3), keepdim=True).sqrt())
        self.weight_v = nn.Parameter(direction)

    def weight(self, centred: bool) -> Tensor:
        means = self.weight_v.mean(dim=(1, 2, 3), keepdim=True)
        direction = self.weight_v - means if centred else self.weight_v
        return self.weight_g * direction / direction.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()


class _NormedConv(_Normed):
    """Convolution over a reflected border."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, centred: bool) -> None:
        super().__init__((outputs, inputs, kernel, kernel), outputs, 1.0)
        self.centred = centred
        self.padding = [kernel // 2] * 4

    def forward(self, maps: Tensor) -> Tensor:
        return functional.conv2d(functional.pad(maps, self.padding, mode="reflect"), self.weight(self.centred), self.bias)


class _NormedTransposed(_Normed):
    """Transposed convolution that keeps the size."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__((inputs, outputs, kernel, kernel), outputs, _LAST_SCALE)
        self.padding = kernel // 2

    def forward(self, maps: Tensor) -> Tensor:
        return functional.conv_transpose2d(maps, self.weight(centred=False), self.bias, padding=self.padding)
