"""The class-aware denoiser's network: every layer estimates a part of the noise, and the parts are added up.

Remez, Litany, Giryes, Bronstein: "Class-aware fully convolutional Gaussian and Poisson denoising", IEEE Trans. Image Processing
27(11), 2018, arXiv:1808.06562; layers as in the authors' code. Input: a noisy image of one or three channels, nominally in [0, 1];
output: in [0, 1], not clipped. Inside, images lie in [-0.5, 0.5]. ``depth`` 3x3 convolutions with zero padding: of a layer's maps,
the first is an estimate of what the image lacks (no ReLU), the others go to the next layer, through ReLU except in the last two
layers; the last layer gives the estimate only. Output: the input plus a tenth of the sum of all estimates. In grey 655,544
parameters. The noise level is never given to the network.

The class is not part of the network: the paper trains one set of weights for every class of photographs (faces, pets, flowers,
living rooms, streets) and chooses among them at test time. Fine-tune a network that saw all classes on the photographs of one.
Their test pads 20 pixels symmetrically and leaves out as many at the border.

Initial weights as in the authors' code: uniform (Glorot), biases 0.01.

Differs from the source: an image of three channels has one estimate per channel, taken from the same number of maps.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from raysearch.models._input import require_kept, require_size
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma

_CENTRE = 0.5
_SHARE = 0.1
_FIRST_BIAS = 0.01


class Config(ModelConfig):
    """The class-aware denoiser's network; the defaults are the paper's."""

    kind: Literal["class_aware"] = "class_aware"
    depth: int = Field(20, ge=2, le=128)
    """3x3 convolutions."""

    width: int = Field(64, ge=4, le=1024)
    """Maps of a layer, its estimate among them."""

    def geometry(self) -> Geometry:
        """Any size; each convolution reaches one pixel."""
        return Geometry(halo=self.depth)

    def build(self, channels_in: int, channels_out: int, scale: int) -> ClassAware:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return ClassAware(self, channels_in)


class ClassAware(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config, self.channels = config, channels
        inputs = [channels] + [config.width - channels] * (config.depth - 1)
        outputs = [config.width] * (config.depth - 1) + [channels]
        self.layers = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in zip(inputs, outputs, strict=True))
        self.apply(_initialise)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Restore the image; ``sigma_255`` is ignored."""
        require_size(self.config.kind, degraded, self.config.geometry())
        features = degraded - _CENTRE
        lacking = torch.zeros_like(degraded)
        for number, layer in enumerate(self.layers):
            maps = layer(features)
            lacking = lacking + maps[:, : self.channels].to(degraded.dtype)
            features = maps[:, self.channels :]
            if number < self.config.depth - 2:
                features = torch.relu(features)
        return degraded + _SHARE * lacking


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        assert module.bias is not None
        nn.init.xavier_uniform_(module.weight)
        nn.init.constant_(module.bias, _FIRST_BIAS)
