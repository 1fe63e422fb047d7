"""FFDNet: a fast denoiser that is told the noise level, for each pixel if need be.

Zhang, Zuo, Zhang: "FFDNet: toward a fast and flexible solution for CNN-based image denoising", IEEE Trans. Image Processing 27(9),
2018, arXiv:1710.04026. Input: a noisy image of one or three channels, nominally in [0, 1], not clipped, and its noise level;
output: the clean image itself (no residual), not clipped. The image is cut into the four images of every second pixel; they and one
plane with the noise level (sigma / 255, also for colour) go through ``depth`` 3x3 convolutions at half size with ReLU between them,
and the result is put together again. An image with an odd side is completed by repeating its last row or column, and cut at the
end. A noise map is averaged over 2x2 pixels. In grey 15 layers of 64 maps (485,316 parameters), in colour 12 of 96 (852,108): that
is what ``depth`` and ``width`` mean when they are not given. The receptive field is 62 pixels in grey, 50 in colour.

The four images of a channel stand in column-major order, pixels (0,0), (1,0), (0,1), (1,1) (row, column), as in the authors' MATLAB
code; ``packing: rows`` is the order of KAIR's PyTorch code, (0,0), (0,1), (1,0), (1,1). Weights belong to one of them: with the
other the published grey network loses 2 dB.

Initial weights: orthogonal, as in the authors' training code, with a gain of the square root of 2 (1 for the last layer); biases 0.

Differs from the paper: no batch norm unless asked for, like the authors' released code and weights; with ``norm: batch`` it follows
the middle convolutions, which then have no bias. The weights are orthogonal at the start only (the authors push singular values
back into [0.9, 1.1] now and then). Patches of 70 pixels in grey and 50 in colour, levels uniform in [0, 75], are the authors'.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from raysearch.models._input import require_kept, require_sigma, require_size, sigma_plane
from raysearch.models._mosaic import Planes
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma

_GREY, _COLOUR = (15, 64), (12, 96)  # depth and width


class Config(ModelConfig):
    """FFDNet; the defaults are the authors' for the task's channels."""

    kind: Literal["ffdnet"] = "ffdnet"
    depth: int | None = Field(None, ge=3, le=128)
    """3x3 convolutions; when it is not given, 15 in grey and 12 in colour."""

    width: int | None = Field(None, ge=1, le=1024)
    """Maps between the convolutions; when it is not given, 64 in grey and 96 in colour."""

    norm: Literal["none", "batch"] = "none"
    """Of the middle layers."""

    packing: Literal["columns", "rows"] = "columns"
    """Order of the four half-size images of a channel; it matters for published weights only."""

    def geometry(self) -> Geometry:
        """Each convolution reaches two pixels, and packing one more; any size is taken."""
        return Geometry(halo=2 * (self.depth or max(_GREY[0], _COLOUR[0])) + 1, cell=2)

    def build(self, channels_in: int, channels_out: int, scale: int) -> FFDNet:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return FFDNet(self, channels_in)


class FFDNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config = config
        usual_depth, usual_width = _GREY if channels == 1 else _COLOUR
        depth, width = config.depth or usual_depth, config.width or usual_width
        layers: list[nn.Module] = [nn.Conv2d(4 * channels + 1, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers.append(nn.Conv2d(width, width, 3, padding=1, bias=config.norm == "none"))
            if config.norm == "batch":
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
        last = nn.Conv2d(width, 4 * channels, 3, padding=1)
        self.layers = nn.Sequential(*layers, last)
        for layer in self.layers:
            _initialise(layer, gain=1.0 if layer is last else 2**0.5)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Restore the image.

        Raises:
            SpecError: no noise level is given.
        """
        config = self.config
        require_size(config.kind, degraded, config.geometry())
        level = require_sigma(config.kind, sigma_255)
        height, width = degraded.shape[-2:]
        packed = self._pack(_completed(degraded))
        plane = sigma_plane(config.kind, level if level.shape[-2:] == (1, 1) else _completed(level), packed)
        restored = self._unpack(self.layers(torch.cat([packed, plane], dim=1)))
        return restored[..., :height, :width].to(degraded.dtype)

    def _pack(self, image: Image) -> Planes:
        if self.config.packing == "rows":
            return functional.pixel_unshuffle(image, 2)
        return functional.pixel_unshuffle(image.mT, 2).mT

    def _unpack(self, planes: Planes) -> Image:
        if self.config.packing == "rows":
            return functional.pixel_shuffle(planes, 2)
        return functional.pixel_shuffle(planes.mT, 2).mT


def _completed(image: Tensor) -> Tensor:
    """Repeat the last row or column where there is an odd number of them."""
    height, width = image.shape[-2:]
    if height % 2 == 0 and width % 2 == 0:
        return image
    return functional.pad(image, (0, width % 2, 0, height % 2), mode="replicate")


def _initialise(layer: nn.Module, gain: float) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.orthogonal_(layer.weight, gain)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
