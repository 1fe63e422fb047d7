"""Images to PNG files of 8 or 16 bits a sample. Pillow writes 8 bits, and 16 bits for one channel only; PNG has both for RGB."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 3: 2}  # channels -> colour type
_UP = 2  # row filter: difference to the row above


def encode(image: Tensor, bits: int) -> bytes:
    """Return a PNG file.

    Args:
        image: (1 or 3, h, w) in [0, 1]; clipped and rounded to the nearest value.
        bits: 8 or 16 a sample.
    """
    values = (image.detach().double().cpu().clamp(0, 1) * (2**bits - 1)).round().numpy().transpose(1, 2, 0)
    if bits == 16:
        return _encode16(values.astype(np.uint16))
    buffer = io.BytesIO()
    pixels = values.astype(np.uint8)
    Pillow.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def _encode16(pixels: NDArray[np.uint16]) -> bytes:
    """Encode (h, w, 1 or 3), every row as its difference to the row above (PNG specification, section 9)."""
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").reshape(height, width * channels).view(np.uint8)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.hstack([np.full((height, 1), _UP, np.uint8), rows - above])
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPE[channels], 0, 0, 0)
    data = zlib.compress(filtered.tobytes(), 6)
    return _SIGNATURE + b"".join(_chunk(*part) for part in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
