"""BF-DnCNN: DnCNN without any additive constant, so that it works at noise levels that it was not trained for.

Mohan, Kadkhodaie, Simoncelli, Fernandez-Granda: "Robust and interpretable blind image denoising via bias-free convolutional neural
networks", ICLR 2020, arXiv:1906.05478. Input: a noisy image of one or three channels, nominally in [0, 1], not clipped; output: the
input minus the predicted noise, not clipped. Layers as in `raysearch.models.dncnn`, all convolutions without bias, and the batch
norm divides by the standard deviation (plus 1e-5) and scales, without subtracting a mean or adding anything. In evaluation mode
``f(a x) = a f(x)`` for a > 0. 20 layers in grey have 664,704 weights and 1,152 scales. Its biased twin is ``dncnn`` with
``depth: 20``.

Initial weights as in the authors' code: convolutions normal with variance 2 / fan-in; scales normal with variance 2 / (9 · 64),
clamped to [-0.025, 0.025] (DnCNN's authors do the opposite, see there).

Differs from the authors' code: unused shifts of the norm are not kept, and the image may have three channels. Batch statistics are
those of one worker's share of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.models._bias_free import ScaleNorm, initialise
from raysearch.models._input import require_kept, require_size
from raysearch.models._published import out_of_lists
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma

_SCALE_STD = (2 / (9 * 64)) ** 0.5
_LARGEST_SCALE = 0.025


class Config(ModelConfig):
    """Bias-free DnCNN; the defaults are the paper's."""

    kind: Literal["bf_dncnn"] = "bf_dncnn"
    depth: int = Field(20, ge=3, le=128)
    """3x3 convolutions."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions."""

    def geometry(self) -> Geometry:
        """Any size; each convolution reaches one pixel."""
        return Geometry(halo=self.depth)

    def adopt(self, published: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """Bring the authors' layers into order, and leave out their norms' shifts and means, which they do not use."""
        found = out_of_lists(published)
        return found and {name: tensor for name, tensor in found.items() if not name.endswith((".bias", ".running_mean"))}

    def build(self, channels_in: int, channels_out: int, scale: int) -> BFDnCNN:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return BFDnCNN(self, channels_in)


class BFDnCNN(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config = config
        width = config.width
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.ReLU()]
        for _ in range(config.depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1, bias=False), ScaleNorm(width), nn.ReLU()]
        self.noise = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1, bias=False))
        self.noise.apply(initialise)
        with torch.no_grad():
            for layer in self.noise:
                if isinstance(layer, ScaleNorm):
                    layer.weight.normal_(std=_SCALE_STD).clamp_(-_LARGEST_SCALE, _LARGEST_SCALE)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Subtract the predicted noise; ``sigma_255`` is ignored."""
        require_size(self.config.kind, degraded, self.config.geometry())
        noise: Tensor = self.noise(degraded)
        return degraded - noise.to(degraded.dtype)
