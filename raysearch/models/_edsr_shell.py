"""What EDSR and OISR put around their blocks: entry, long skip, upsampler, exit, and the range of values."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from raysearch.models._input import require_size
from raysearch.models._upscaling import div2k_mean, upsampler
from raysearch.models.base import Geometry
from raysearch.shapes import Image, Restored, Sigma

REACH = 4
"""Pixels that a shell reaches without its blocks: entry, end of the body, upsampler and exit, one each."""


class Shell(nn.Module):
    """Blocks inside EDSR's shell; the output has the range of the input, [0, 1].

    Inside, values are 0..255 minus the mean colour of DIV2K. Modules are named as in the usual checkpoints of EDSR, whose fixed
    mean-shift layers are a constant here (`raysearch.models._published.without_mean_shift`).

    Args:
        kind: for messages.
        geometry: of the whole network.
        blocks: what stands between entry and the body's last convolution, each from ``width`` to ``width`` maps.
        width: maps of the entry.
        scale: 1 has no upsampler, and adds the input image to the output.
    """

    def __init__(self, kind: str, geometry: Geometry, blocks: Iterable[nn.Module], width: int, scale: int) -> None:
        super().__init__()
        self.kind, self.geometry, self.scale = kind, geometry, scale
        self.register_buffer("mean", div2k_mean(), persistent=False)
        self.mean: Tensor
        self.head = nn.Sequential(nn.Conv2d(3, width, 3, padding=1))
        self.body = nn.Sequential(*blocks, nn.Conv2d(width, width, 3, padding=1))
        self.tail = nn.Sequential(upsampler(width, scale), nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Restore; ``sigma_255`` is ignored."""
        require_size(self.kind, degraded, self.geometry)
        maps = self.head((degraded - self.mean) * 255)
        values: Tensor = self.tail(maps + self.body(maps))
        restored = values.to(degraded.dtype) / 255
        return degraded + restored if self.scale == 1 else restored + self.mean
