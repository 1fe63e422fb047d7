"""Whole images through a network, tile by tile, equal to one pass over the whole image.

Each tile is read with a halo at least as wide as the receptive field, except at the image's own border, where the network's own
padding acts as it does on the whole image. Tiles start at multiples of what network and task need (a Bayer phase stays in
phase). An image whose sides the network can't take is continued by reflection (without repeating the border pixel, which keeps
the Bayer phase) and the addition is cut from the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from raysearch.models.base import Geometry
from raysearch.shapes import Image, Sigma


@dataclass(frozen=True)
class Tiling:
    """How an image is cut.

    Attributes:
        geometry: of the network.
        scale: output pixels per input pixel.
        side: side of a tile without its halo, in input pixels; rounded down to what the network can take.
        phase: tiles start at multiples of this (2 for a Bayer mosaic), in input pixels.
    """

    geometry: Geometry
    scale: int
    side: int
    phase: int

    @property
    def grain(self) -> int:
        """Starts of tiles are multiples of this, and ends that are not the image's own."""
        return math.lcm(self.geometry.multiple_of, self.geometry.cell, self.phase)

    @property
    def halo(self) -> int:
        """Input pixels read around a tile."""
        return _up(max(self.geometry.halo, math.ceil(self.geometry.margin / self.scale)), self.grain)

    def padded(self, length: int) -> int:
        """The least side >= ``length`` that the network takes."""
        return _up(max(length, self.geometry.smallest), math.lcm(self.geometry.multiple_of, self.phase))


@dataclass(frozen=True)
class _Span:
    """One tile along one axis: input pixels to read, the part of the tile's output to keep, and where that part goes."""

    read: slice
    keep: slice
    to: slice


def restore(net: nn.Module, degraded: Image, sigma_255: Sigma | None, tiling: Tiling) -> Image:
    """Apply a network to whole images.

    Args:
        net: see `raysearch.models.base`; its mode (training or evaluation) is left as it is.
        degraded: (b, c_in, h, w), any size.
        sigma_255: (b, 1, 1, 1), (b, 1, h, w) or None.

    Returns:
        (b, c_out, h*scale - 2*margin, w*scale - 2*margin), not clipped, without gradient.
    """
    height, width = degraded.shape[-2:]
    tall, wide = tiling.padded(height), tiling.padded(width)
    source = reflect(degraded, (0, tall - height), (0, wide - width))
    levels = sigma_255
    if levels is not None and levels.shape[-2:] != (1, 1):
        levels = reflect(levels, (0, tall - height), (0, wide - width))
    shrink = 2 * tiling.geometry.margin
    whole: Tensor | None = None
    for y in _spans(tall, tiling):
        for x in _spans(wide, tiling):
            part = net(source[..., y.read, x.read], _window(levels, y.read, x.read))
            if whole is None:
                whole = part.new_empty(*part.shape[:2], tall * tiling.scale - shrink, wide * tiling.scale - shrink)
            whole[..., y.to, x.to] = part[..., y.keep, x.keep]
    if whole is None:
        raise ValueError(f"an image of {height} x {width} pixels has no pixels left after a margin of {shrink // 2}")
    return whole[..., : height * tiling.scale - shrink, : width * tiling.scale - shrink]


def _window(sigma_255: Sigma | None, rows: slice, columns: slice) -> Tensor | None:
    if sigma_255 is None or sigma_255.shape[-2:] == (1, 1):
        return sigma_255
    return sigma_255[..., rows, columns]


def _spans(length: int, tiling: Tiling) -> Iterator[_Span]:
    """Cut one axis of a padded image into tiles."""
    grain, scale, margin = tiling.grain, tiling.scale, tiling.geometry.margin
    least = _up(tiling.geometry.smallest, grain)
    core = length if tiling.geometry.whole else max(grain, tiling.side // grain * grain)
    for first in range(0, length, core):
        last = min(first + core, length)
        start = max(0, first - tiling.halo)
        stop = min(length, max(last + tiling.halo, start + least))
        start = max(0, min(start, stop - least)) // grain * grain
        low, high = max(first * scale, margin), min(last * scale, length * scale - margin)
        if low >= high:
            continue
        origin = start * scale + margin  # the first output pixel of this tile, in pixels of the whole image
        yield _Span(slice(start, stop), slice(low - origin, high - origin), slice(low - margin, high - margin))


def reflect(image: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """Continue images (b, c, h, w) by so many rows (above, below) and columns (left, right), mirrored about the border pixel."""
    if rows == (0, 0) and columns == (0, 0):
        return image
    down = _mirrored(image.shape[-2], rows, image.device)
    across = _mirrored(image.shape[-1], columns, image.device)
    return image[..., down[:, None], across]


def _mirrored(length: int, extra: tuple[int, int], device: torch.device) -> Tensor:
    """Positions in [0, length) for -extra[0] .. length + extra[1] - 1, bouncing at both ends."""
    position = torch.arange(-extra[0], length + extra[1], device=device)
    period = max(1, 2 * (length - 1))
    position = position.remainder(period)
    return torch.minimum(position, period - position) if length > 1 else torch.zeros_like(position)


def _up(length: int, grain: int) -> int:
    return -(-length // grain) * grain
