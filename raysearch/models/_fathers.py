"""The crops that ZSSR learns from: the image as it is, turned or mirrored, or distorted."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from raysearch.shapes import Image

Turned = Float[Tensor, "b c ht wt"]
"""An image whose sides may have changed places."""

Father = Float[Tensor, "b c side side"]
"""A square crop."""

ORIENTATIONS = 8
"""Quarter turns, each mirrored or not."""

_AS_IT_IS = 0.05
_TURNED = 0.45
_LEAST_SCALE = 0.5
_ASPECT_STD = 0.25
_LEAST_AXIS = 0.1
_SHEAR_STD = 0.1


def turned(image: Image, number: int) -> Turned:
    """Return the orientation ``number`` of `ORIENTATIONS`: the right half of the numbers is mirrored first."""
    mirrored = image.flip(-1) if number >= ORIENTATIONS // 2 else image
    return mirrored.rot90(number, (-2, -1)).contiguous()


def turned_back(image: Image, number: int) -> Turned:
    """Undo `turned`."""
    upright = image.rot90(-number, (-2, -1))
    return (upright.flip(-1) if number >= ORIENTATIONS // 2 else upright).contiguous()


def draw_father(image: Image, side: int, generator: torch.Generator) -> Father:
    """Draw a crop of ``side`` x ``side`` pixels, at most the image's shorter side; in [0, 1].

    Args:
        image: (1, c, h, w).
        side: in pixels.
        generator: of the CPU.
    """
    chosen = _uniform(generator)
    if chosen >= _AS_IT_IS + _TURNED:
        return _distorted(image, side, generator).clamp(0, 1)
    top, left = (int(_uniform(generator) * (length - side + 1)) for length in image.shape[-2:])
    father = image[..., top : top + side, left : left + side].clamp(0, 1)
    if chosen < _AS_IT_IS:
        return father
    return turned(father, int(_uniform(generator) * ORIENTATIONS))


def _distorted(image: Image, side: int, generator: torch.Generator) -> Father:
    """Return a crop of the image after a random affine map, sampled bicubically and continued by reflection."""
    height, width = image.shape[-2:]
    scale = _LEAST_SCALE + (1 - _LEAST_SCALE) * _uniform(generator)
    room = [max(0.0, scale * length - side) for length in (width, height)]
    shift = torch.tensor([(_uniform(generator) - 0.5) * length for length in room], dtype=torch.float64)
    axis = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    y, x = torch.meshgrid(axis + shift[1], axis + shift[0], indexing="ij")
    source = torch.stack([x, y], dim=-1) @ torch.linalg.inv(_affine(scale, generator)).T
    relative = source * 2 / torch.tensor([width, height], dtype=torch.float64)  # the image spans -1 to 1
    grid = relative[None].to(device=image.device, dtype=image.dtype)
    return functional.grid_sample(image, grid, mode="bicubic", padding_mode="reflection", align_corners=False)


def _affine(scale: float, generator: torch.Generator) -> Tensor:
    """Draw the 2x2 matrix from offsets (x, y) in the image to offsets in the crop, both from their centres."""
    aspect, across, down = (
        torch.randn(3, generator=generator, dtype=torch.float64) * torch.tensor([_ASPECT_STD, _SHEAR_STD, _SHEAR_STD])
    ).tolist()
    mirror = 1 if _uniform(generator) < 0.5 else -1
    angle = 2 * math.pi * _uniform(generator)
    stretch = [[mirror * max(_LEAST_AXIS, scale + aspect / 2), 0.0], [0.0, max(_LEAST_AXIS, scale - aspect / 2)]]
    rotation = [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    shear = [[1.0, across], [down, 1.0]]
    one, two, three = (torch.tensor(matrix, dtype=torch.float64) for matrix in (shear, rotation, stretch))
    return one @ two @ three


def _uniform(generator: torch.Generator) -> float:
    """Draw from [0, 1)."""
    return float(torch.rand((), generator=generator, dtype=torch.float64))
