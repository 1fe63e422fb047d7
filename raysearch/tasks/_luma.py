"""Luma and chroma of BT.601 in studio range, as MATLAB's ``rgb2ycbcr`` and ``ycbcr2rgb`` compute them.

An image (y, cb, cr) is over 255 like RGB: luma in 16/255..235/255, chroma in 16/255..240/255 around 128/255. Nothing is rounded.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from raysearch.shapes import Image

_WEIGHTS = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
_OFFSET = (16.0, 128.0, 128.0)

YCbCr = Float[Tensor, "b 3 h w"]
"""Luma and two chroma channels, over 255."""


def luma(rgb: Image) -> Float[Tensor, "b 1 h w"]:
    """Return the luma of RGB images (b, 3, h, w) in [0, 1]."""
    red, green, blue = (weight * rgb[:, i : i + 1] for i, weight in enumerate(_WEIGHTS[0]))
    return (red + green + blue + _OFFSET[0]) / 255


def to_ycbcr(rgb: Image) -> YCbCr:
    """Return luma and chroma of RGB images (b, 3, h, w) in [0, 1]."""
    weights, offset = _constants(rgb)
    return torch.einsum("ij,bjhw->bihw", weights, rgb) + offset


def to_rgb(image: YCbCr) -> Image:
    """Return RGB, not clipped: the inverse of `to_ycbcr`."""
    weights, offset = _constants(image)
    return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(weights.double()).to(image.dtype), image - offset)


def _constants(image: Tensor) -> tuple[Tensor, Tensor]:
    weights = torch.tensor(_WEIGHTS, dtype=torch.float64) / 255
    offset = torch.tensor(_OFFSET, dtype=torch.float64).view(1, 3, 1, 1) / 255
    return weights.to(image), offset.to(image)
