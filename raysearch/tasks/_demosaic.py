"""A camera's way from a sensor to colours: a Bayer pattern for each image of a batch, and its interpolation.

The interpolation is that of Malvar, He & Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color
images", ICASSP 2004, which is MATLAB's ``demosaic``: bilinear, corrected by the second differences of the measured colour. Borders
are continued by reflection about the outermost pixels, which keeps the pattern. Nothing is clipped or rounded.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

from raysearch.shapes import Image
from raysearch.tasks._bayer import Phase, measured

PHASES: tuple[Phase, ...] = ("rggb", "grbg", "gbrg", "bggr")
"""The four patterns, in the order of their numbers here."""

Sites = Bool[Tensor, "b 3 h w"]
"""Where each colour is measured; exactly one at every pixel."""

# Eighths; a pixel of the measured raw image and its neighbours at a distance of up to 2.
_CROSS = ((0, 0, -1, 0, 0), (0, 0, 2, 0, 0), (-1, 2, 4, 2, -1), (0, 0, 2, 0, 0), (0, 0, -1, 0, 0))
_BESIDE = ((0, 0, 0.5, 0, 0), (0, -1, 0, -1, 0), (-1, 4, 5, 4, -1), (0, -1, 0, -1, 0), (0, 0, 0.5, 0, 0))
_DIAGONAL = ((0, 0, -1.5, 0, 0), (0, 2, 0, 2, 0), (-1.5, 0, 6, 0, -1.5), (0, 2, 0, 2, 0), (0, 0, -1.5, 0, 0))


def sites_of(patterns: Int64[Tensor, " b"], height: int, width: int) -> Sites:
    """Return the sites of each image's pattern, given as its number in `PHASES`."""
    known = torch.stack([measured(phase, height, width, patterns.device) for phase in PHASES])
    return known[patterns]


def demosaic(raw: Float[Tensor, "b 1 h w"], sites: Sites) -> Image:
    """Interpolate the missing colours.

    Args:
        raw: what the sensor measures, each side at least 3.
        sites: of its pattern.
    """
    kernels = raw.new_tensor([_CROSS, _BESIDE, tuple(zip(*_BESIDE, strict=True)), _DIAGONAL])[:, None] / 8
    filtered = functional.conv2d(functional.pad(raw, (2, 2, 2, 2), mode="reflect"), kernels)
    cross, beside, above, diagonal = (filtered[:, i : i + 1] for i in range(4))
    red, green, blue = (sites[:, i : i + 1] for i in range(3))
    red_row = red.any(dim=3, keepdim=True)  # a row holds red or blue beside its green

    def missing(own: Tensor, own_row: Tensor) -> Tensor:
        at_green = torch.where(own_row, beside, above)
        return torch.where(own, raw, torch.where(green, at_green, diagonal))

    return torch.cat([missing(red, red_row), torch.where(green, raw, cross), missing(blue, ~red_row)], dim=1)
