"""How long a network takes for one image: a fact of a trial, measured when it ends, while others may use the machine.

`raysearch bench restore` measures with more care; this number orders the networks of one study.
"""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn

_PASSES = 3
_LONG_S = 0.5
"""A first pass that takes longer stands for the others."""


def latency_ms(net: nn.Module, channels: int, size: int, sigma: bool, device: torch.device) -> float:
    """Return the median of three passes after one that does not count, in milliseconds; in evaluation mode, float32.

    Args:
        net: on ``device``; its mode is put back.
        channels: of the input.
        size: side of the square input, in pixels.
        sigma: whether the network is given a noise level.
    """
    image = torch.zeros(1, channels, size, size, device=device)  # black: a mosaic too, and the time does not depend on it
    level = torch.full((1, 1, 1, 1), 25.0, device=device) if sigma else None
    was_training = net.training
    net.eval()
    try:
        with torch.no_grad():
            times = [_pass_s(net, image, level)]
            if times[0] < _LONG_S:
                times = [_pass_s(net, image, level) for _ in range(_PASSES)]
    finally:
        net.train(was_training)
    return 1000 * statistics.median(times)


def _pass_s(net: nn.Module, image: torch.Tensor, level: torch.Tensor | None) -> float:
    began = time.perf_counter()
    net(image, level)
    if image.device.type == "cuda":
        torch.cuda.synchronize(image.device)
    return time.perf_counter() - began
