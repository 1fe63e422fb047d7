"""PNG with 16 bits and several channels, against a plain encoder and against the 8 bits that Pillow keeps."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from raysearch.data.decode import decode, inspect
from raysearch.errors import DataError

COLOUR_TYPE = {2: 4, 3: 2, 4: 6}


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def predicted(kind: int, left: int, upper: int, corner: int) -> int:
    if kind == 4:
        base = left + upper - corner
        return min((left, upper, corner), key=lambda value: abs(base - value))  # the first wins a tie, as the specification says
    return (0, left, upper, (left + upper) // 2)[kind]


def encode(pixels: NDArray[np.uint16], kinds: list[int], interlace: int = 0) -> bytes:
    """Filter byte by byte, as the specification is written."""
    height, width, samples = pixels.shape
    rows = pixels.astype(">u2").tobytes()
    length, step = width * samples * 2, samples * 2
    packed = bytearray()
    for y in range(height):
        packed.append(kinds[y % len(kinds)])
        for at in range(length):
            left = rows[y * length + at - step] if at >= step else 0
            upper = rows[(y - 1) * length + at] if y else 0
            corner = rows[(y - 1) * length + at - step] if y and at >= step else 0
            packed.append((rows[y * length + at] - predicted(packed[y * (length + 1)], left, upper, corner)) % 256)
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPE[samples], 0, 0, interlace)
    data = zlib.compress(bytes(packed))
    half = len(data) // 2  # two IDAT chunks
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", data[:half]), chunk(b"IDAT", data[half:]), chunk(b"IEND", b"")]
    )


def image(samples: int, height: int = 9, width: int = 7) -> NDArray[np.uint16]:
    return np.random.default_rng(samples).integers(0, 65536, (height, width, samples), dtype=np.uint16)


@pytest.mark.parametrize("samples", [2, 3, 4])
@pytest.mark.parametrize("kinds", [[0], [1], [2], [3], [4], [4, 1, 3, 0, 2]], ids=str)
def test_all_row_filters(tmp_path: Path, samples: int, kinds: list[int]) -> None:
    path, pixels = tmp_path / "a.png", image(samples)
    path.write_bytes(encode(pixels, kinds))
    assert inspect(path).bits == 16
    assert np.array_equal(decode(path), pixels[:, :, : 1 if samples == 2 else 3])


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 30), (30, 2)])
def test_all_shapes(tmp_path: Path, shape: tuple[int, int]) -> None:
    path, pixels = tmp_path / "a.png", image(3, *shape)
    path.write_bytes(encode(pixels, [4, 3]))
    assert np.array_equal(decode(path), pixels)


def test_pillow_sees_the_high_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(image(3), [4, 1, 3, 0, 2]))
    assert np.array_equal(decode(path) >> 8, np.asarray(Image.open(path).convert("RGB")))


def test_damage_is_named(tmp_path: Path) -> None:
    path, data = tmp_path / "a.png", encode(image(3), [4])
    damaged = {
        "truncated": data[:-20],
        "checksum": data[:60] + bytes([data[60] ^ 1]) + data[61:],
        "interlaced": encode(image(3), [0], interlace=1),
    }
    for reason, content in damaged.items():
        path.write_bytes(content)
        with pytest.raises(DataError, match=reason):
            decode(path)


def test_rows_that_are_longer_or_shorter_than_promised(tmp_path: Path) -> None:
    path, data = tmp_path / "a.png", encode(image(3, 9, 7), [0])
    for height in (8, 10):
        header = struct.pack(">IIBBBBB", 7, height, 16, 2, 0, 0, 0)
        path.write_bytes(data[:8] + chunk(b"IHDR", header) + data[33:])
        with pytest.raises(DataError, match="promises"):
            decode(path)
