"""BF-DenseNet: stages that each see the noisy image again, without any additive constant, one of the bias-free study's networks.

Mohan, Kadkhodaie, Simoncelli, Fernandez-Granda: "Robust and interpretable blind image denoising via bias-free convolutional neural
networks", ICLR 2020, arXiv:1906.05478 (there a simplified DenseNet); layers as in the authors' code. Input: a noisy image of one or
three channels, nominally in [0, 1], not clipped; output: the clean image itself, not clipped. ``f(a x) = a f(x)`` for a > 0. A
stage is ``depth`` 3x3 convolutions with ReLU between them and no activation at its end; the first sees the noisy image, each
further one the noisy image and the ``between`` maps of the stage before; the last gives the image. 757,440 weights in grey. It is
`raysearch.models.bf_recurrent` unrolled, with weights of its own in each stage.

``bias: true`` is the ordinary network that the paper compares with: biases everywhere but in the last layer.

Initial weights (decided here): normal with variance 2 / fan-in, biases 0.

Differs from the authors' code: the image may have three channels.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.models._bias_free import initialise, stage
from raysearch.models._input import require_kept, require_size
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma


class Config(ModelConfig):
    """Bias-free simplified DenseNet; the defaults are the paper's."""

    kind: Literal["bf_dense"] = "bf_dense"
    stages: int = Field(4, ge=1, le=64)
    """Stages."""

    depth: int = Field(7, ge=2, le=128)
    """3x3 convolutions of a stage."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions of a stage."""

    between: int = Field(5, ge=1, le=1024)
    """Maps that a stage hands to the next."""

    bias: bool = False
    """Give the convolutions biases, as the network that the paper compares with; then it does not scale."""

    def geometry(self) -> Geometry:
        """Any size; each convolution of each stage reaches one pixel."""
        return Geometry(halo=self.stages * self.depth)

    def build(self, channels_in: int, channels_out: int, scale: int) -> BFDense:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return BFDense(self, channels_in)


class BFDense(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config = config
        inputs = [channels] + [channels + config.between] * (config.stages - 1)
        outputs = [config.between] * (config.stages - 1) + [channels]
        last = config.stages - 1
        self.stages = nn.ModuleList(
            stage(inputs[i], outputs[i], config.width, config.depth, bias=config.bias, last_bias=config.bias and i < last)
            for i in range(config.stages)
        )
        self.apply(initialise)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Restore the image; ``sigma_255`` is ignored."""
        require_size(self.config.kind, degraded, self.config.geometry())
        seen = degraded
        for one in self.stages:
            maps: Tensor = one(seen)
            seen = torch.cat([degraded, maps.to(degraded.dtype)], dim=1)
        return maps.to(degraded.dtype)
