"""Luma and chroma of BT.601 in studio range, as MATLAB's ``rgb2ycbcr`` and ``ycbcr2rgb`` compute them.

An image (y, cb, cr) is over 255 like RGB: luma in 16/255..235/255, chroma in 16/255..240/255 around 128/255.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from raysearch.shapes import Image

_FORWARD = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
_OFFSET = (16.0, 128.0, 128.0)


def luma(rgb: Image) -> Float[Tensor, "b 1 h w"]:
    """Return the luma of RGB images in [0, 1]; nothing is rounded."""
    red, green, blue = (weight * rgb[:, i : i + 1] for i, weight in enumerate(_FORWARD[0]))
    return (red + green + blue + _OFFSET[0]) / 255
