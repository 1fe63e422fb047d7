"""JPEG compression of batches in torch: what a file loses, without the file, on any device, one quality for each image.

It follows the baseline codec of the Independent JPEG Group (libjpeg, libjpeg-turbo and with it Pillow) step by step, rounding
included: BT.601 colour in full range; chroma averaged over 2x2 pixels (4:2:0) or kept (4:4:4); borders repeated up to whole
blocks; the codec's accurate integer DCT of 8x8 pixels; the tables of ITU-T T.81 (1992), annex K, scaled by quality; and back, with
libjpeg's triangle filter ("fancy upsampling") for chroma. Every value equals the one that Pillow decodes.

The gradient passes through the roundings as if they were not there ("straight through").
"""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Int64
from PIL import Image as Pillow
from torch import Tensor
from torch.nn import functional

from raysearch.shapes import Image

Subsampling = Literal["4:2:0", "4:4:4"]
"""Chroma at half the size in both directions (what most files have), or at full size."""

Quality = Int64[Tensor, " b"]
"""Quality of each image, 1 to 100, on the scale of the Independent JPEG Group."""

_LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8 for _ in range(4)),
)
# The codec's 16-bit fixed-point factors. Products with 8-bit values are multiples of 2**-16 below 256: exact in float32.
_UNIT = 2**-16
_HALF_OF_DCT = (
    (8192, 8192, 8192, 8192),
    (11363, 9633, 6437, 2260),
    (10703, 4433, -4433, -10703),
    (9633, -2259, -11362, -6436),
    (8192, -8192, -8192, 8192),
    (6437, -11362, 2261, 9633),
    (4433, -10704, 10704, -4433),
    (2260, -6436, 9633, -11363),
)
"""The codec's integer DCT, times 2**13 sqrt(8): what its sums of 13-bit constants come to for the first four of eight places; the
others are the same mirrored, with the other sign at odd frequencies."""
_PASS_BITS = (11, 15, 18)  # of the products that are rounded away: after a first pass, after the second one forward, and backward
_TO_YCC = ((19595, 38470, 7471), (-11059, -21709, 32768), (32768, -27439, -5329))
_CR_TO_R, _CB_TO_G, _CR_TO_G, _CB_TO_B = 91881, -22554, -46802, 116130


def compress(image: Image, quality: Quality, subsampling: Subsampling) -> Image:
    """Return what is left of images after a JPEG file.

    Args:
        image: (b, 1 or 3, h, w), any size; clipped to [0, 1] and rounded to 8 bit first, as a file is.
        quality: one for each image.
        subsampling: of the chroma; grey images have none.

    Returns:
        The same shape, float32, multiples of 1/255 in [0, 1].
    """
    height, width = image.shape[-2:]
    values = _rounded(image.float().clamp(0, 1) * 255)
    if values.shape[1] == 1:
        return _coded(values, _table(_LUMA_TABLE, quality)) / 255
    ycc = _to_ycc(values)
    luma, chroma = _coded(ycc[:, :1], _table(_LUMA_TABLE, quality)), ycc[:, 1:]
    if subsampling == "4:2:0":
        chroma = _coded(_halved(chroma), _table(_CHROMA_TABLE, quality))[..., : (width + 1) // 2]
        chroma = _doubled(chroma)[..., :height, :width]
    else:
        chroma = _coded(chroma, _table(_CHROMA_TABLE, quality))
    return _to_rgb(luma, chroma) / 255


def through_files(image: Image, quality: Quality, subsampling: Subsampling) -> Image:
    """Do the same with real files in memory: each image is written and read again by Pillow, on the CPU, without gradient.

    The encoder's Huffman tables are not optimised, which changes the size of a file and no pixel. See `compress` for the arguments.
    """
    stored = (image.detach().clamp(0, 1) * 255 + 0.5).to("cpu", torch.uint8)
    pairs = zip(stored, quality.tolist(), strict=True)
    return torch.stack([_through_file(one, at, subsampling) for one, at in pairs]).to(image.device)


def _through_file(stored: Tensor, quality: int, subsampling: Subsampling) -> Tensor:
    grey = stored.shape[0] == 1
    file = io.BytesIO()
    picture = Pillow.fromarray(stored[0].numpy() if grey else stored.permute(1, 2, 0).contiguous().numpy())
    picture.save(file, "JPEG", quality=quality, subsampling="4:4:4" if grey else subsampling)
    pixels = np.array(Pillow.open(file))
    return torch.from_numpy(pixels).view(*stored.shape[1:], stored.shape[0]).permute(2, 0, 1).contiguous().float() / 255


class _Round(torch.autograd.Function):
    """Round to the nearest integer, halves away from zero; the gradient passes unchanged."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return values.sign() * (values.abs() + 0.5).floor()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


class _HalvesUp(_Round):
    """The same, but halves are rounded up."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return (values + 0.5).floor()


def _rounded(values: Tensor) -> Tensor:
    rounded: Tensor = _Round.apply(values)  # type: ignore[no-untyped-call]
    return rounded


def _table(base: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """Scale a table of quantisation steps by each image's quality: (b, 1, 1, 8, 1, 8), float64, 1 to 255."""
    steps = torch.tensor(base, device=quality.device)
    percent = torch.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    scaled = (steps * percent[:, None, None] + 50) // 100
    return scaled.clamp(1, 255).double()[:, None, None, :, None, :]


def _dct(device: torch.device) -> Tensor:
    """Return the codec's DCT matrix (frequency, place), (8, 8), float64, which holds all its products exactly."""
    half = torch.tensor(_HALF_OF_DCT, dtype=torch.float64)
    sign = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(4)[:, None]
    return torch.cat([half, sign * half.flip(1)], dim=1).to(device)


def _coded(planes: Tensor, table: Tensor) -> Tensor:
    """Quantise the DCT coefficients of planes (b, c, h, w) of 0..255, and come back: integers, clipped."""
    height, width = planes.shape[-2:]
    whole = functional.pad(planes, (0, -width % 8, 0, -height % 8), mode="replicate")
    images, channels, rows, columns = whole.shape
    blocks = whole.reshape(images, channels, rows // 8, 8, columns // 8, 8) - 128
    first, forward, backward = _PASS_BITS
    dct = _dct(planes.device)
    coefficients = _shifted(torch.einsum("lk,bcrjsk->bcrjsl", dct, blocks.double()), first)
    coefficients = _shifted(torch.einsum("ij,bcrjsl->bcrisl", dct, coefficients), forward)  # 8 times those of T.81
    kept = _rounded(coefficients / (8 * table)) * table
    values = _shifted(torch.einsum("ij,bcrisl->bcrjsl", dct, kept), first)
    values = _shifted(torch.einsum("lk,bcrjsl->bcrjsk", dct, values), backward)
    return (values + 128).clamp(0, 255).to(planes.dtype).flatten(4, 5).flatten(2, 3)[..., :height, :width]


def _shifted(products: Tensor, bits: int) -> Tensor:
    """Divide by 2**bits and round to the nearest integer, halves up: a shift of the codec."""
    return _HalvesUp.apply(products / 2**bits)  # type: ignore[no-any-return, no-untyped-call]


def _halved(chroma: Tensor) -> Tensor:
    """Average 2x2 pixels; sums that are no multiple of 4 are rounded down and up in alternate columns, as the codec does.

    The right border is repeated before and the lower one after the averaging, to whole blocks, as the codec does.
    """
    height, width = chroma.shape[-2:]
    whole = functional.pad(chroma, (0, -width % 16, 0, height % 2), mode="replicate")
    sums = functional.avg_pool2d(whole, 2) * 4
    bias = 1 + torch.arange(sums.shape[-1], device=chroma.device) % 2
    return _rounded((sums + bias - 1.5) / 4)


def _doubled(chroma: Tensor) -> Tensor:
    """Enlarge by 2 with weights 3/4 and 1/4 of the two nearest values in each direction; (b, c, h, w) to (b, c, 2h, 2w).

    Two columns or fewer are repeated instead, as the codec does.
    """
    if chroma.shape[-1] <= 2:
        return chroma.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    above, below = _neighbours(chroma, 2)
    rows = torch.stack([3 * chroma + above, 3 * chroma + below], dim=3).flatten(2, 3)
    left, right = _neighbours(rows, 3)
    even, odd = _rounded((3 * rows + left + 0.5) / 16), _rounded((3 * rows + right - 0.5) / 16)
    return torch.stack([even, odd], dim=4).flatten(3, 4)


def _neighbours(planes: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Return the values before and after each one along an axis; the border is repeated."""
    size = planes.shape[axis]
    place = torch.arange(size, device=planes.device)
    return planes.index_select(axis, (place - 1).clamp_min(0)), planes.index_select(axis, (place + 1).clamp_max(size - 1))


def _to_ycc(rgb: Tensor) -> Tensor:
    """Turn RGB of 0..255 into integers (y, cb, cr) of 0..255."""
    red, green, blue = (rgb[:, i : i + 1] for i in range(3))
    luma, cb, cr = ((r * red + g * green + b * blue) * _UNIT for r, g, b in _TO_YCC)
    return torch.cat([_rounded(luma), _rounded(cb + (128 - _UNIT)), _rounded(cr + (128 - _UNIT))], dim=1)


def _to_rgb(luma: Tensor, chroma: Tensor) -> Tensor:
    """Turn integers (y) and (cb, cr) of 0..255 into RGB of 0..255, clipped."""
    cb, cr = chroma[:, :1] - 128, chroma[:, 1:] - 128
    red = luma + _rounded(_CR_TO_R * _UNIT * cr)
    green = luma + _rounded(_CB_TO_G * _UNIT * cb + _CR_TO_G * _UNIT * cr)
    blue = luma + _rounded(_CB_TO_B * _UNIT * cb)
    return torch.cat([red, green, blue], dim=1).clamp(0, 255)
