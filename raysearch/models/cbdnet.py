"""CBDNet: estimates how noisy a photograph is, pixel by pixel, and denoises it with that estimate.

Guo, Yan, Zhang, Zuo, Zhang: "Toward convolutional blind denoising of real photographs", CVPR 2019, arXiv:1807.04686. Input: a noisy
image of one or three channels, nominally in [0, 1], sides a multiple of 4; output: in [0, 1], not clipped. The estimator is five
3x3 convolutions of 32 maps, each with ReLU, the last to one map per channel. The denoiser is a U-Net on the image and the estimate;
what it returns is added to the image. Three channels: 29,507 and 4,335,875 parameters. The noise level is never given to the
network.

In training mode the network returns the image and one extra output for the losses ``asymmetric`` and ``tv``:

- ``sigma``: the estimated standard deviation of the noise of every value, (b, c, h, w), at least 0, **in units of the image's [0,
  1] range** (a level of 25 on the 0..255 scale is 25 / 255). The authors train it towards the sum of the standard deviations of the
  signal-dependent and the constant part.

The denoiser is the one of the usual PyTorch port: two 3x3 convolutions of 64 maps; 2x2 mean; three of 128; 2x2 mean; six of 256;
transposed 2x2 to 128, plus the maps of that size; three of 128; transposed 2x2 to 64, plus the maps of that size; two of 64; 1x1. A
user who read the authors' weights reports strided 2x2 convolutions instead of the means: ``downsample: strided``, with as many maps
before as after. More of the original is not known, among it where the 6.94 GFLOPs at 63x63 that a comparison states come from (the
port needs 4.49).

Initial weights (decided here): normal with variance 2 / fan-in, biases 0. The last weights of both parts start at a hundredth and
the estimator's last biases at 0.1 (a level of 25), so that its ReLU is alive and training starts near the noisy image.

How to train it: Adam at 1e-3, then 5e-4, for 20 epochs each, patches of 128; batches of 32 (the paper; 36 by the author's own
word).

Differs from the paper: see the denoiser. The authors mirror an image to a multiple of 4; here evaluation by tiles does so.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.models._input import require_kept, require_size
from raysearch.models.base import Geometry, ModelConfig, Restoration
from raysearch.shapes import Image, Sigma

_FIRST_SIGMA = 0.1
_LAST_SCALE = 0.01
_ESTIMATOR_DEPTH = 5


class Config(ModelConfig):
    """CBDNet; the defaults are the port's."""

    kind: Literal["cbdnet"] = "cbdnet"
    width: int = Field(64, ge=1, le=512)
    """Maps of the denoiser at full size; twice and four times as many at half and quarter size."""

    estimator_width: int = Field(32, ge=1, le=512)
    """Maps of the estimator."""

    downsample: Literal["mean", "strided"] = "mean"
    """How the denoiser's maps get smaller: the mean of 2x2, or a 2x2 convolution with stride 2."""

    @property
    def extras(self) -> frozenset[str]:
        """The estimated noise level."""
        return frozenset({"sigma"})

    def geometry(self) -> Geometry:
        """Two levels of halving; the estimator reaches five pixels, the denoiser's levels 2 + 6 + 24 + 6 + 2, and cells of 4."""
        return Geometry(halo=48, multiple_of=4, smallest=4)

    def build(self, channels_in: int, channels_out: int, scale: int) -> CBDNet:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return CBDNet(self, channels_in)


class CBDNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config = config
        widths = [channels] + [config.estimator_width] * (_ESTIMATOR_DEPTH - 1) + [channels]
        self.estimator = _filters(*widths)
        self.denoiser = _Denoiser(config, channels)
        self.apply(_initialise)
        with torch.no_grad():
            last = self.estimator[-2]
            assert isinstance(last, nn.Conv2d)
            assert last.bias is not None
            last.weight *= _LAST_SCALE
            last.bias.fill_(_FIRST_SIGMA)
            self.denoiser.exit.weight *= _LAST_SCALE

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image | Restoration:
        """Restore the image; ``sigma_255`` is ignored. In training mode the estimated level is returned as well.

        Raises:
            SpecError: a side is no multiple of 4.
        """
        require_size(self.config.kind, degraded, self.config.geometry())
        sigma = self.estimator(degraded).to(degraded.dtype)
        added: Tensor = self.denoiser(torch.cat([degraded, sigma], dim=1))
        restored = degraded + added.to(degraded.dtype)
        return Restoration(restored, {"sigma": sigma}) if self.training else restored


class _Denoiser(nn.Module):
    """A U-Net of three sizes whose skips are added."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        full, half, quarter = config.width, 2 * config.width, 4 * config.width
        self.entry = _filters(2 * channels, full, full)
        self.to_half = _smaller(config, full)
        self.middle = _filters(full, half, half, half)
        self.to_quarter = _smaller(config, half)
        self.quarter = _filters(half, *[quarter] * 6)
        self.from_quarter = nn.ConvTranspose2d(quarter, half, 2, stride=2)
        self.middle_again = _filters(half, half, half, half)
        self.from_half = nn.ConvTranspose2d(half, full, 2, stride=2)
        self.full_again = _filters(full, full, full)
        self.exit = nn.Conv2d(full, channels, 1)

    def forward(self, seen: Tensor) -> Tensor:
        full = self.entry(seen)
        half = self.middle(self.to_half(full))
        quarter = self.quarter(self.to_quarter(half))
        half = self.middle_again(half + self.from_quarter(quarter))
        full = self.full_again(full + self.from_half(half))
        return self.exit(full)  # type: ignore[no-any-return]


def _filters(*widths: int) -> nn.Sequential:
    """3x3 convolutions from each width to the next, each with ReLU."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


def _smaller(config: Config, width: int) -> nn.Module:
    return nn.AvgPool2d(2) if config.downsample == "mean" else nn.Conv2d(width, width, 2, stride=2)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
