"""Static scores of patches: how much there is to see in them.

For a patch x of h x w pixels and c channels, with values in [0, 1] (equation 5 of the patch-mining study,
and its standard deviation):

- ``gradient``: mean over h*w*c of (forward difference along x)^2 + (forward difference along y)^2;
- ``gradient_l1``: the same with absolute values instead of squares;
- ``std``: standard deviation over all pixels and channels jointly.

A difference that would reach out of the patch counts as zero, so a score depends on the patch alone. All sums are exact integers;
a score is therefore the same to the bit on every machine and for every number of threads. Nothing here needs torch.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from raysearch.data.decode import Pixels

Score = Literal["gradient", "gradient_l1", "std"]


def patch_scores(pixels: Pixels, ys: NDArray[np.integer], xs: NDArray[np.integer], size: int, score: Score) -> NDArray[np.float32]:
    """Score the patches of a grid.

    Args:
        pixels: one image, (c, h, w), uint8 or uint16.
        ys: first rows of the grid's patches, (rows,).
        xs: first columns, (columns,).
        size: side of a patch, in pixels.
        score: which score.

    Returns:
        (rows, columns), float32, in units of the [0, 1] scale (squared for ``gradient``).
    """
    white = float(np.iinfo(pixels.dtype).max)
    values = size * size * pixels.shape[0]
    if score == "std":
        total = _window_sums(_over_channels(pixels, power=1), ys, xs, size, size)
        squares = _window_sums(_over_channels(pixels, power=2), ys, xs, size, size)
        variance = np.maximum(squares / values - (total / values) ** 2, 0.0)
        return np.asarray(np.sqrt(variance) / white, np.float32)
    power = 2 if score == "gradient" else 1
    across = _over_channels(_differences(pixels, axis=2), power)
    down = _over_channels(_differences(pixels, axis=1), power)
    sums = _window_sums(across, ys, xs, size, size - 1) + _window_sums(down, ys, xs, size - 1, size)
    return np.asarray(sums / (values * white**power), np.float32)


def _differences(pixels: Pixels, axis: int) -> Pixels:
    """Absolute forward differences, one shorter along ``axis``; they fit the type of the pixels."""
    ahead = pixels[:, 1:] if axis == 1 else pixels[:, :, 1:]
    behind = pixels[:, :-1] if axis == 1 else pixels[:, :, :-1]
    return np.maximum(ahead, behind) - np.minimum(ahead, behind)


def _over_channels(values: Pixels, power: int) -> NDArray[np.uint64] | NDArray[np.uint32]:
    """Sum value^power over channels, exactly: (h, w)."""
    wide = np.uint32 if values.dtype == np.uint8 else np.uint64
    total = np.zeros(values.shape[1:], wide)
    for plane in values:
        total += np.square(plane, dtype=wide) if power == 2 else plane
    return total


def _window_sums(
    values: NDArray[np.uint64] | NDArray[np.uint32], ys: NDArray[np.integer], xs: NDArray[np.integer], rows: int, columns: int
) -> NDArray[np.int64]:
    """Sum ``values`` (h, w) over windows of rows x columns pixels at every (y, x) of the grid: exact, (len(ys), len(xs))."""
    sums = np.zeros((len(ys), values.shape[1] + 1), np.int64)
    for strip, y in enumerate(ys):
        down = values[y : y + rows].sum(axis=0, dtype=values.dtype)  # 32 bits hold 22,000 rows of three squared bytes
        np.cumsum(down, dtype=np.int64, out=sums[strip, 1:])
    return sums[:, xs + columns] - sums[:, xs]
