"""Bayer mosaics as networks see them; nothing here needs to know the phase.

A mosaic has three channels with zeros at the missing sites, so the sum over its channels is the raw image whatever the phase is,
and the four planes of `pack` are the four positions of the 2x2 block in reading order.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from raysearch.shapes import Image

Planes = Float[Tensor, "b planes hp wp"]
"""Maps at half the size of the image."""


def pack(mosaic: Image) -> Planes:
    """Turn (b, 3, h, w) into the raw image's positions (0,0) (0,1) (1,0) (1,1) as (b, 4, h/2, w/2)."""
    return functional.pixel_unshuffle(mosaic.sum(dim=1, keepdim=True), 2)


def unpack(planes: Planes) -> Image:
    """Turn (b, 4c, h, w) into (b, c, 2h, 2w); channel c takes the planes 4c to 4c+3 in reading order."""
    return functional.pixel_shuffle(planes, 2)


def crop(image: Image, border: int) -> Float[Tensor, "b c hc wc"]:
    """Leave out ``border`` pixels on every side."""
    return image[..., border : image.shape[-2] - border, border : image.shape[-1] - border]


def bilinear(mosaic: Image) -> Image:
    """Fill the missing sites of a mosaic by bilinear interpolation; measured values stay as they are.

    Red and blue are convolved with [1 2 1; 2 4 2; 1 2 1] / 4, green with [0 1 0; 1 4 1; 0 1 0] / 4. Zeros stand at the missing
    sites, so the same kernels are right for all four phases; the border is reflected about the outermost pixels, which
    continues the Bayer pattern.

    Args:
        mosaic: (b, 3, h, w), each side at least 2.
    """
    wide = functional.pad(mosaic, (1, 1, 1, 1), mode="reflect")
    above, below = wide[..., :-2, :], wide[..., 2:, :]
    middle = wide[..., 1:-1, :]
    cross = above[..., 1:-1] + below[..., 1:-1] + middle[..., :-2] + middle[..., 2:]
    diagonal = above[..., :-2] + above[..., 2:] + below[..., :-2] + below[..., 2:]
    green = mosaic[:, 1:2] + cross[:, 1:2] / 4
    red_blue = mosaic[:, ::2] + cross[:, ::2] / 2 + diagonal[:, ::2] / 4
    return torch.cat([red_blue[:, :1], green, red_blue[:, 1:]], dim=1)
