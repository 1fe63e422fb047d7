"""PNG with 16 bits a sample and more than one channel, which Pillow reduces to 8 bits.

The five row filters of the PNG specification (section 9) make a pixel depend on its left, upper and upper-left neighbours, so all
pixels of an anti-diagonal can be decoded at once: height + width steps of numpy instead of height x width steps of Python.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 4: 2, 6: 4}  # colour type -> samples a pixel


@dataclass(frozen=True)
class PngHeader:
    """The IHDR chunk, as far as it is needed here."""

    width: int
    height: int
    bits: int
    colour_type: int
    interlaced: bool


def read_header(data: bytes) -> PngHeader:
    """Parse the first 33 bytes of a PNG file.

    Raises:
        ValueError: these are not the first bytes of a PNG file.
    """
    if len(data) < 33 or data[:8] != _SIGNATURE or data[12:16] != b"IHDR":
        raise ValueError("the PNG header is damaged")
    width, height, bits, colour_type, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    return PngHeader(width, height, bits, colour_type, interlace != 0)


def decode_png16(data: bytes) -> NDArray[np.uint16]:
    """Decode a file of 16 bits a sample into (h, w, samples), samples 1 to 4 with alpha last.

    Raises:
        ValueError: the file is damaged, truncated or interlaced.
    """
    header = read_header(data)
    if header.bits != 16 or header.colour_type not in _SAMPLES:
        raise ValueError("not a PNG file with 16 bits a sample")
    if header.interlaced:
        raise ValueError("interlaced PNG files with 16 bits a sample and more than one channel are not supported")
    pixel = 2 * _SAMPLES[header.colour_type]
    row = 1 + header.width * pixel
    raw = np.frombuffer(_inflate(_idat(data), header.height * row), np.uint8).reshape(header.height, row)
    filtered = raw[:, 1:].reshape(header.height, header.width, pixel)
    samples = _unfilter(filtered, raw[:, 0]).view(">u2")
    return samples.reshape(header.height, header.width, -1).astype(np.uint16)


def _idat(data: bytes) -> bytes:
    return b"".join(body for name, body in _chunks(data) if name == b"IDAT")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        checksum = data[at + 8 + length : at + 12 + length]
        if len(checksum) < 4:
            raise ValueError("the PNG file is truncated")
        if struct.unpack(">I", checksum)[0] != zlib.crc32(name + body):
            raise ValueError(f"the checksum of a {name!r} chunk of the PNG file is wrong")
        yield name, body
        if name == b"IEND":
            return
        at += 12 + length
    raise ValueError("the PNG file is truncated")


def _inflate(packed: bytes, size: int) -> bytes:
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(packed, size + 1)  # never more than the header promises
    if len(unpacked) != size:
        raise ValueError(f"the PNG file holds {len(unpacked)} bytes of rows and its header promises {size}")
    return unpacked


def _unfilter(filtered: NDArray[np.uint8], kinds: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo the row filters; (h, w, bytes a pixel) in and out."""
    if kinds.max(initial=0) > 4:
        raise ValueError(f"unknown PNG row filter {kinds.max()}")
    height, width, pixel = filtered.shape
    # skewed[d + 2, y + 1] holds the pixel (y, x = d - y); the zeros around stand for the pixels outside the image
    skewed = np.zeros((height + width + 1, height + 1, pixel), np.uint8)
    for diagonal in range(height + width - 1):
        ys = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        low, high = int(ys[0]) + 1, int(ys[-1]) + 2
        left = skewed[diagonal + 1, low:high].astype(np.int16)
        upper = skewed[diagonal + 1, low - 1 : high - 1].astype(np.int16)
        corner = skewed[diagonal, low - 1 : high - 1].astype(np.int16)
        predicted = _predict(kinds[ys, None], left, upper, corner)
        skewed[diagonal + 2, low:high] = (filtered[ys, diagonal - ys] + predicted).astype(np.uint8)
    rows = np.arange(height)[:, None]
    upright: NDArray[np.uint8] = skewed[rows + np.arange(width)[None, :] + 2, rows + 1]
    return upright


def _predict(
    kinds: NDArray[np.uint8], left: NDArray[np.int16], upper: NDArray[np.int16], corner: NDArray[np.int16]
) -> NDArray[np.int16]:
    to_left, to_upper, to_corner = abs(upper - corner), abs(left - corner), abs(left + upper - 2 * corner)
    nearest = np.where(to_upper <= to_corner, upper, corner)
    closest = np.where((to_left <= to_upper) & (to_left <= to_corner), left, nearest)
    return np.select([kinds == 1, kinds == 2, kinds == 3, kinds == 4], [left, upper, (left + upper) // 2, closest], np.int16(0))
