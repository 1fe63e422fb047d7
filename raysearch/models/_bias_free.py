"""Parts of networks that scale with their input: without an additive constant anywhere, ``f(a x) = a f(x)`` for every a > 0.

Mohan, Kadkhodaie, Simoncelli, Fernandez-Granda: "Robust and interpretable blind image denoising via bias-free convolutional neural
networks", ICLR 2020, arXiv:1906.05478. ReLU keeps the property; biases and the shifts of a batch norm break it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_EPSILON = 1e-5
_MOMENTUM = 0.1
_LEAST_VARIANCE = 1e-20  # the square root has no gradient at 0, where a channel is constant


class ScaleNorm(nn.Module):
    """Batch norm that only scales: ``weight * x / (std + 1e-5)``; no mean is subtracted and nothing is added.

    The standard deviation of a channel is that of the batch in training (over images and pixels, about its mean, unbiased) and the
    square root of a running variance in evaluation. It is computed in float32.

    Args:
        width: channels.
    """

    weight: Tensor
    running_var: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, maps: Tensor) -> Tensor:
        """Scale (b, width, h, w)."""
        variance = self.running_var
        if self.training:
            variance = maps.to(variance.dtype).var(dim=(0, 2, 3))
            with torch.no_grad():
                self.running_var.lerp_(variance, _MOMENTUM)
        scale = self.weight / (variance.clamp_min(_LEAST_VARIANCE).sqrt() + _EPSILON)
        return (maps * scale[:, None, None]).to(maps.dtype)


def stage(inputs: int, outputs: int, width: int, depth: int, *, bias: bool, last_bias: bool) -> nn.Sequential:
    """Build ``depth`` 3x3 convolutions with ReLU between them.

    Args:
        inputs: channels before the first.
        outputs: channels after the last.
        width: maps between them.
        depth: at least 2.
        bias: give all but the last a bias.
        last_bias: give the last a bias.
    """
    layers: list[nn.Module] = [nn.Conv2d(inputs, width, 3, padding=1, bias=bias), nn.ReLU()]
    for _ in range(depth - 2):
        layers += [nn.Conv2d(width, width, 3, padding=1, bias=bias), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(width, outputs, 3, padding=1, bias=last_bias))


def initialise(module: nn.Module) -> None:
    """Draw a convolution's weights from a normal distribution of variance 2 / fan-in; its bias becomes 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
