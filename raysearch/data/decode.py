"""Image files to pixels, by one set of rules.

- PNG, JPEG (also MPO, of which the first picture counts), WebP, TIFF and BMP, told apart by content and not by suffix.
- 8 bits a sample become uint8; 16 bits a sample stay uint16 (PNG and TIFF; TIFF in colour needs no compression or deflate).
- Grey stays one channel; palettes become RGB. Alpha is dropped: the stored colours count, also where they are transparent.
- The EXIF orientation is applied. Colour profiles are not: stored values are the values.
- Refused, with the reason: CMYK and other colour spaces, 32-bit samples, several pages or frames, damaged files, and files with
  more pixels than ``PIL.Image.MAX_IMAGE_PIXELS`` (decompression bombs; Pillow itself only warns up to twice that).

Nothing here needs torch.
"""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from raysearch.data._png import decode_png16, read_header
from raysearch.errors import DataError

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
"""An image as stored in its file, uint8 or uint16."""

RECIPE = 1
"""Version of the rules above; it is part of every cached store's digest, so raise it when a file would give other pixels."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
"""Suffixes of the files that corpora look for, in lower case."""

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_GREY, _GREY16, _PALETTE, _COLOUR = {"1", "L", "LA"}, {"I;16", "I;16L", "I;16B"}, {"P", "PA"}, {"RGB", "RGBA"}
_ORIENTATION = 274  # the tag's number in EXIF and TIFF
_LUMA = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
    tifffile.TiffFileError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_warning_filters = threading.Lock()  # they belong to the whole process


@dataclass(frozen=True)
class Header:
    """What the first bytes of an image file say.

    Attributes:
        width: columns as stored (an EXIF orientation may swap width and height).
        height: rows as stored.
        bits: 8 or 16 a sample.
    """

    width: int
    height: int
    bits: int


def inspect(path: Path) -> Header:
    """Read a file's header, without its pixels.

    Raises:
        DataError: it is no image that raysearch reads; ``cause`` is the reason and ``place`` the file.
    """
    with _refusing(path), _open(path) as image:
        return _header(path, image)


def decode(path: Path) -> Pixels:
    """Decode a file into (h, w, 1) or (h, w, 3).

    Raises:
        DataError: as `inspect`, or the pixels are damaged or incomplete.
    """
    with _refusing(path), _open(path) as image:
        pixels: Pixels
        bits = _header(path, image).bits
        if image.format == "PNG" and bits == 16 and image.mode not in _GREY16:
            pixels = decode_png16(path.read_bytes())
            orientation = _orientation(image)
        elif image.format == "TIFF" and bits == 16 and image.mode not in _GREY16:
            orientation = _orientation(image)
            pixels = _tiff16(path)
        else:
            image.load()
            orientation = _orientation(image)  # Pillow itself turns a TIFF while it loads, and forgets the tag then
            pixels = _from_pillow(image)
        return _orient(_without_alpha(pixels), orientation)


def arrange(pixels: Pixels, channels: int, bits: int) -> Pixels:
    """Bring decoded pixels (h, w, 1 or 3) into planes (channels, h, w) of ``bits`` (8 or 16) a sample.

    Colour becomes grey as MATLAB's ``rgb2gray`` does it, as is usual in grey denoising: the luma of BT.601,
    0.2989 R + 0.5870 G + 0.1140 B of the stored values, rounded to the nearest integer. Grey becomes colour by repetition. 8 bits
    become 16 by a factor of 257, so that 255 becomes 65535.
    """
    if channels == 1 and pixels.shape[2] == 3:
        luma: Pixels = np.floor(pixels @ _LUMA + 0.5).astype(pixels.dtype)
        pixels = luma[:, :, None]
    planes: Pixels = np.moveaxis(pixels, 2, 0)
    if channels != planes.shape[0]:
        planes = planes[[0] * channels]
    if bits == 16 and planes.dtype == np.uint8:
        planes = planes.astype(np.uint16) * np.uint16(257)
    return planes.copy(order="C")


def refusal(damaged: Sequence[DataError]) -> DataError:
    """Make one error of several unreadable files, each named with its reason (the first ten of them)."""
    if len(damaged) == 1:
        return damaged[0]
    lines = [f"{error.place}: {error.cause}" for error in damaged[:10]]
    more = [f"and {len(damaged) - 10} more"] if len(damaged) > 10 else []
    return DataError("\n    ".join([f"{len(damaged)} files can't be used", *lines, *more]), remedy=damaged[0].remedy)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"can't be read: {reason}", place=str(path), remedy="repair, convert or remove the file, or exclude it by a pattern"
        ) from error


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    # Pillow gets a file and not a path: it would map an uncompressed one into memory, and shears turned grey TIFFs there
    with path.open("rb") as file:
        with _warning_filters, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file, formats=_FORMATS)
        with image:
            yield image


def _header(path: Path, image: Image.Image) -> Header:
    if image.mode not in _GREY | _GREY16 | _PALETTE | _COLOUR:
        raise ValueError(f"its pixels are of type {image.mode!r}; grey, palette and RGB of 8 or 16 bits are supported")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise ValueError(f"it holds {frames} pages or frames; one image per file is supported")
    return Header(image.width, image.height, _bits(path, image))


def _bits(path: Path, image: Image.Image) -> int:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        deep = max(image.tag_v2.get(258, (8,))) > 8
        if deep and image.tag_v2.get(262) not in (1, 2):
            raise ValueError("TIFF files with 16 bits a sample must be grey (0 is black) or RGB")
        return 16 if deep else 8
    if image.format == "PNG":
        with path.open("rb") as file:
            return 16 if read_header(file.read(33)).bits == 16 else 8
    return 8


def _orientation(image: Image.Image) -> int:
    return int(image.getexif().get(_ORIENTATION, 1))


def _tiff16(path: Path) -> NDArray[np.uint16]:
    with tifffile.TiffFile(path) as file:
        page: Any = file.pages[0]
        pixels = page.asarray()
        if pixels.dtype != np.uint16:
            raise ValueError(f"its samples are {pixels.dtype}; 8 and 16 bits without sign are supported")
        if page.axes == "SYX":
            pixels = np.moveaxis(pixels, 0, -1)
        elif page.axes == "YX":
            pixels = pixels[:, :, None]
        elif page.axes != "YXS":
            raise ValueError(f"its axes are {page.axes!r}; one grey or RGB image is supported")
        return np.asarray(pixels)


def _from_pillow(image: Image.Image) -> Pixels:
    if image.mode in _GREY16:
        return np.asarray(image).astype(np.uint16)[:, :, None]
    if image.mode in _GREY:
        return np.asarray(image.convert("L"))[:, :, None]
    return np.asarray(image.convert("RGB"))


def _without_alpha(pixels: Pixels) -> Pixels:
    colours = {1: 1, 2: 1, 3: 3, 4: 3}.get(pixels.shape[2])
    if colours is None:
        raise ValueError(f"it has {pixels.shape[2]} channels; grey or RGB, with or without alpha, is supported")
    return pixels[:, :, :colours]


def _orient(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and flip (h, w, s) so that it stands upright; EXIF 2.32, tag 274, values 1 to 8 (others mean 1)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
