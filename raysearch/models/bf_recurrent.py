"""BF-RCNN: one small bias-free network that is applied again and again, one of the four networks of the bias-free study.

Mohan, Kadkhodaie, Simoncelli, Fernandez-Granda: "Robust and interpretable blind image denoising via bias-free convolutional neural
networks", ICLR 2020, arXiv:1906.05478; layers as in the authors' code. Input: a noisy image of one or three channels, nominally in
[0, 1], not clipped; output: the clean image itself, not clipped. A stage is ``depth`` 3x3 convolutions with ReLU between them
(5 hidden ones between a first and a last), from the noisy image and the result of the stage before (at first the noisy image again)
to the next result; all stages share their weights. 186,048 weights in grey. In evaluation mode there are ``stages`` of them and
``f(a x) = a f(x)`` for a > 0. In training mode their number is drawn for each call, from 1 to ``stages``.

``bias: true`` is the ordinary network that the paper compares with: biases everywhere but in the last layer.

Initial weights (decided here): normal with variance 2 / fan-in, biases 0.

Differs from the authors' code: the numbers of stages are one fixed sequence, independent of the trial's seed, and the place in it
is part of the network's state, so that a resumed training goes on with it. The image may have three channels."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.models._bias_free import initialise, stage
from raysearch.models._input import require_kept, require_size
from raysearch.models.base import Geometry, ModelConfig
from raysearch.rng import seed_of
from raysearch.shapes import Image, Sigma


class Config(ModelConfig):
    """Bias-free recurrent network; the defaults are the paper's."""

    kind: Literal["bf_recurrent"] = "bf_recurrent"
    stages: int = Field(4, ge=1, le=64)
    """How often the stage is applied; in training at most."""

    depth: int = Field(7, ge=2, le=128)
    """3x3 convolutions of a stage."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions."""

    bias: bool = False
    """Give the convolutions biases, as the network that the paper compares with; then it does not scale."""

    def geometry(self) -> Geometry:
        """Any size; each convolution of each stage reaches one pixel."""
        return Geometry(halo=self.stages * self.depth)

    def build(self, channels_in: int, channels_out: int, scale: int) -> BFRecurrent:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return BFRecurrent(self, channels_in)


class BFRecurrent(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config = config
        self.stage = stage(2 * channels, channels, config.width, config.depth, bias=config.bias, last_bias=False)
        self.apply(initialise)
        self._drawn = 0

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Restore the image; ``sigma_255`` is ignored."""
        require_size(self.config.kind, degraded, self.config.geometry())
        restored: Tensor = degraded
        for _ in range(self._draw() if self.training else self.config.stages):
            restored = self.stage(torch.cat([degraded, restored.to(degraded.dtype)], dim=1))
        return restored.to(degraded.dtype)

    def _draw(self) -> int:
        self._drawn += 1
        return seed_of(0, "stages", self._drawn) % self.config.stages + 1

    def get_extra_state(self) -> Tensor:
        """Return how many numbers of stages were drawn; torch keeps it in the state."""
        return torch.tensor(self._drawn)

    def set_extra_state(self, state: Tensor) -> None:
        """Go on with the sequence where `get_extra_state` was asked."""
        self._drawn = int(state)
