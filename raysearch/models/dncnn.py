"""DnCNN: predicts the noise with a plain batch-normalised network and subtracts it.

Zhang, Zuo, Chen, Meng, Zhang: "Beyond a Gaussian denoiser: residual learning of deep CNN for image denoising", IEEE Trans. Image
Processing 26(7), 2017, arXiv:1608.03981. Input: a noisy image, one or three channels, nominally in [0, 1], not clipped; output: the
input minus the predicted noise, not clipped. One 3x3 convolution with ReLU, depth - 2 of convolution, batch norm and ReLU, one
convolution. The noise level is never given to the network.

The three networks of the paper differ in depth and in what they are trained for:

- DnCNN-S, ``depth: 17``: one noise level, patches of 40 (556,097 parameters in grey).
- DnCNN-B, ``depth: 20``: blind, levels 0 to 55, patches of 50 (667,073 in grey, 669,379 in colour).
- DnCNN-3, ``depth: 20`` in grey: one set of weights for blind noise, images that were made smaller and enlarged again (by 2, 3, 4),
  and JPEG; the input has the size of the output in all three (`raysearch.tasks.general_denoise`).

Published weights mostly come without batch norm: at the end of training it was merged into the convolutions, which then have
biases. ``norm: none`` is that form (555,137 parameters for S in grey, 665,921 and 668,227 for B), to load them into; trained from
the start it is a plain network. ``norm: batch_with_bias`` is KAIR's form, batch norm after convolutions that have (useless) biases
as well (557,057 for S in grey).

Initial weights as in the authors' training code: convolutions normal with variance 2 / (9 width); scales of the batch norm
normal with variance 2 / (9 · 64), whatever the width, and pushed away from zero to at least 0.025 in size (a well-known port does
the opposite); running variances 0.01. The convolutions before a batch norm have no bias (the authors freeze theirs at 0), other
biases start at 0.

How to train it: the paper has SGD from 0.1 down to 1e-4, the authors' code Adam at 1e-3 for 30 epochs and 1e-4 for 20, batches of
128, the noise drawn anew for each; take the code's. ``schedule: {kind: multistep, milestones: [0.6]}`` is its rate.

Differs from the sources: the batch norm's momentum and epsilon are PyTorch's; the loss and its reduction are the recipe's.
Batch statistics are those of one worker's share of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.models._input import require_kept, require_size
from raysearch.models._published import out_of_lists
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Sigma

_SCALE_STD = (2 / (9 * 64)) ** 0.5
_LEAST_SCALE = 0.025
_FIRST_VARIANCE = 0.01


class Config(ModelConfig):
    """DnCNN; the defaults are DnCNN-S."""

    kind: Literal["dncnn"] = "dncnn"
    depth: int = Field(17, ge=3, le=128)
    """3x3 convolutions: 17 for S, 20 for B and 3."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions."""

    norm: Literal["batch", "batch_with_bias", "none"] = "batch"
    """Of the middle layers: batch norm, batch norm after convolutions with biases, or none (then the convolutions have biases)."""

    def geometry(self) -> Geometry:
        """Any size; each convolution reaches one pixel."""
        return Geometry(halo=self.depth)

    def adopt(self, published: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """Bring the layers of the bias-free study's DnCNN with biases into order (``norm: batch_with_bias``)."""
        return out_of_lists(published)

    def build(self, channels_in: int, channels_out: int, scale: int) -> DnCNN:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return DnCNN(self, channels_in)


class DnCNN(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config = config
        width = config.width
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        for _ in range(config.depth - 2):
            layers.append(nn.Conv2d(width, width, 3, padding=1, bias=config.norm != "batch"))
            if config.norm != "none":
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
        self.noise = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1))
        for layer in self.noise:
            _initialise(layer, std=(2 / (9 * width)) ** 0.5)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image:
        """Subtract the predicted noise; ``sigma_255`` is ignored."""
        require_size(self.config.kind, degraded, self.config.geometry())
        noise: Tensor = self.noise(degraded)
        return degraded - noise.to(degraded.dtype)


@torch.no_grad()
def _initialise(layer: nn.Module, std: float) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, std=std)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.BatchNorm2d):
        drawn = torch.randn_like(layer.weight) * _SCALE_STD
        size = drawn.abs().clamp_min(_LEAST_SCALE)
        layer.weight.copy_(torch.where(drawn < 0, -size, size))
        assert layer.running_var is not None
        layer.running_var.fill_(_FIRST_VARIANCE)
