"""Pictures for a page: read with care, cut, coloured, and packed as PNG into ``data:`` addresses."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float64]
"""(height, width, 3), in [0, 1]."""

_LARGEST_SIDE = 12_000
_LARGEST_AREA = 60_000_000
_LARGEST_MAP = 50_000_000


class Unreadable(Exception):
    """A picture or map of a run can't be used; the text says why in a few words."""


def read(path: Path, root: Path) -> Pixels:
    """Read a PNG that lies under ``root``.

    Raises:
        Unreadable: it is absent, outside (a link), too large, or no picture.
    """
    _inside(path, root)
    try:
        with Image.open(path, formats=("PNG",)) as opened:
            width, height = opened.size
            if max(width, height) > _LARGEST_SIDE or width * height > _LARGEST_AREA:
                raise Unreadable(f"{path.name} is {width}x{height}, too large")
            sixteen_bit = opened.mode.startswith("I")
            pixels = np.asarray(opened if sixteen_bit else opened.convert("RGB"), dtype=np.float64)
    except FileNotFoundError as error:
        raise Unreadable(f"{path.name} is missing") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unreadable(f"{path.name} can't be read as PNG") from error
    if sixteen_bit:
        return np.repeat(np.clip(pixels / 65535, 0, 1)[..., None], 3, axis=-1)
    return pixels / 255


def read_maps(path: Path, root: Path) -> dict[str, NDArray[np.float64]]:
    """Read ``usage.npz``: a map (rows, columns) by photograph.

    Raises:
        Unreadable: see `read_arrays`.
    """
    arrays = read_arrays(path, root)
    return {name: values for name, values in arrays.items() if values.ndim == 2 and values.size and np.isfinite(values).all()}


def read_arrays(path: Path, root: Path) -> dict[str, NDArray[np.float64]]:
    """Read the numbers of a ``.npz`` file that lies under ``root``. Nothing pickled is loaded.

    Raises:
        Unreadable: it is absent, damaged, too large, or holds something else.
    """
    _inside(path, root)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST_MAP:
                raise Unreadable(f"{path.name} is too large")
        with np.load(path, allow_pickle=False) as archive:
            return {str(name): np.asarray(archive[name], dtype=np.float64) for name in archive.files}
    except FileNotFoundError as error:
        raise Unreadable(f"{path.name} is missing") from error
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise Unreadable(f"{path.name} can't be read") from error


def _inside(path: Path, root: Path) -> None:
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:
        raise Unreadable(f"{path.name} can't be found") from error
    if not inside:
        raise Unreadable(f"{path.name} leads out of the run's folder")


def pack(pixels: Pixels, colours: int | None = None) -> str:
    """Return a PNG as a ``data:`` address; with ``colours``, reduced to so many (for maps, never for evidence)."""
    image = Image.fromarray(np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    if colours is not None:
        image = image.quantize(colours, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def shrink(pixels: Pixels, side: int) -> Pixels:
    """Make the longer side at most ``side``."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    return resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)), Image.Resampling.LANCZOS)


def resize(pixels: Pixels, height: int, width: int, how: Image.Resampling) -> Pixels:
    """Resample to a size."""
    image = Image.fromarray(np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.resize((width, height), how), dtype=np.float64) / 255


def colour(values: NDArray[np.float64], low: float, high: float, name: str) -> Pixels:
    """Colour a map (rows, columns) between two ends with one of matplotlib's colour maps."""
    scaled = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return np.asarray(mpl.colormaps[name](scaled), dtype=np.float64)[..., :3]


def bar(name: str) -> Pixels:
    """Return a colour bar, 12 high and 256 wide."""
    return colour(np.tile(np.linspace(0, 1, 256), (12, 1)), 0, 1, name)


def largest_window(values: NDArray[np.float64], side: int) -> tuple[int, int, int, int]:
    """Find the square of a map with the largest sum: x, y, width, height. The first one wins where several are equal."""
    height, width = values.shape
    rows, columns = min(side, height), min(side, width)
    total = np.zeros((height + 1, width + 1))
    total[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    sums = total[rows:, columns:] - total[:-rows, columns:] - total[rows:, :-columns] + total[:-rows, :-columns]
    y, x = np.unravel_index(int(np.argmax(np.round(sums, 9))), sums.shape)
    return int(x), int(y), columns, rows
