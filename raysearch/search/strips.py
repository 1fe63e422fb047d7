"""A trial's sample images for a glance: input, restored and clean, cut where the restored one is most wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raysearch.train.files import name_of

SIDE = 128
"""Side of a crop, in pixels; smaller images are shown whole."""

MOST = 24
"""More photographs than these are not shown."""

Pixels = NDArray[np.uint8]
"""(height, width, 3)."""

_GAP = 4
_STEP = 32


def strips(samples: Path) -> Iterator[tuple[str, Pixels]]:
    """Yield a name and a strip of three crops for each photograph whose images can be read, see `raysearch.train.samples`."""
    for folder in sorted(samples.glob("*/*/*"))[:MOST]:
        try:
            given, restored, clean = (_read(folder / f"{name}.png") for name in ("input", "restored", "clean"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue  # a picture for a glance; the report tells what is missing
        if restored.shape == clean.shape:
            yield "/".join(("samples", *map(name_of, folder.parts[-3:]))), _strip(given, restored, clean)


def _read(path: Path) -> Pixels:
    with Image.open(path, formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB"))


def _strip(given: Pixels, restored: Pixels, clean: Pixels) -> Pixels:
    factor = max(1, clean.shape[0] // given.shape[0])
    large = given.repeat(factor, axis=0).repeat(factor, axis=1)
    top, left = worst(np.abs(restored.astype(np.float64) - clean).mean(axis=2))
    cut = slice(top, top + SIDE), slice(left, left + SIDE)
    shown = [image[cut] for image in (large, restored, clean)]
    height = max(len(image) for image in shown)
    padded = [np.pad(image, ((0, height - len(image)), (0, _GAP), (0, 0)), constant_values=255) for image in shown]
    return np.concatenate(padded, axis=1)[:, :-_GAP]


def worst(error: NDArray[np.float64]) -> tuple[int, int]:
    """Return the first row and column of the window with the largest error, on a grid of 32 pixels and flush with the far ends."""
    places = [sorted({*range(0, max(1, side - SIDE + 1), _STEP), max(0, side - SIDE)}) for side in error.shape]
    sums = {(y, x): float(error[y : y + SIDE, x : x + SIDE].sum()) for y in places[0] for x in places[1]}
    return max(sums, key=lambda place: (sums[place], -place[0], -place[1]))
