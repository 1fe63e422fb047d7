"""Bayer mosaics: which colour a sensor measures at which pixel.

A phase names the colours of the top left 2x2 block in reading order: ``grbg`` is G(0,0) R(0,1) / B(1,0) G(1,1). A mosaic keeps
three channels and holds zeros where a colour was not measured, so the sum over its channels is the raw image.
"""

from __future__ import annotations

from typing import Literal

import torch

from raysearch.shapes import Image

Phase = Literal["rggb", "grbg", "gbrg", "bggr"]
"""Colours of the top left 2x2 block, in reading order."""


def measured(phase: Phase, height: int, width: int, device: torch.device) -> torch.Tensor:
    """Return the sites of each colour: bool (3, height, width), exactly one channel true at every pixel."""
    block = torch.tensor(["rgb".index(colour) for colour in phase], device=device).view(2, 2)
    rows = torch.arange(height, device=device) % 2
    columns = torch.arange(width, device=device) % 2
    colour = block[rows[:, None], columns[None, :]]
    return torch.stack([colour == channel for channel in range(3)])


def mosaic(rgb: Image, phase: Phase) -> Image:
    """Keep at every pixel the colour that the sensor measures there and set the others to exactly 0.

    Args:
        rgb: (b, 3, h, w); even and odd sizes both work.
    """
    sites = measured(phase, rgb.shape[-2], rgb.shape[-1], rgb.device)
    return torch.where(sites, rgb, torch.zeros((), dtype=rgb.dtype, device=rgb.device))
