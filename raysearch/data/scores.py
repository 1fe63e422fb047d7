"""Static scores of patches: how much there is to see in them.

For a patch x of h x w pixels and c channels, with values in [0, 1] (equations 5 and 6 of the patch-mining study, its standard
deviation, and two variants of its gradient):

- ``gradient``: mean over h*w*c of (forward difference along x)^2 + (forward difference along y)^2;
- ``gradient_l1``: the same with absolute values instead of squares;
- ``gradient_sqrt``: mean over h*w*c of the square root of that sum, the length of the gradient (the study speaks of a magnitude);
- ``std``: standard deviation over all pixels and channels jointly;
- ``frequency``: sum of \\|DFT\\|^2 over the frequencies of at least pi/2 on both axes, over h*w*c; the transform is not normalised.

A difference that would reach out of the patch counts as zero, so a score depends on the patch alone. Frequencies run from -pi to pi
(read from 0 to 2 pi, the study's condition would let low negative frequencies in): of a patch of 96 pixels 49 of 96 on each axis,
26.05 % of all, are summed.

All sums but those of ``frequency`` are exact integers (square roots are rounded to 2^-20 of a grey level); such a score is the same
to the bit on every machine and for every number of threads. Nothing here needs torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from raysearch.data.decode import Pixels

Score = Literal["gradient", "gradient_l1", "gradient_sqrt", "std", "frequency"]

SCORES: tuple[Score, ...] = get_args(Score)
"""Every static score."""

_FRACTION = 1 << 20  # of a grey level: the grid of square roots


def patch_scores(pixels: Pixels, ys: NDArray[np.integer], xs: NDArray[np.integer], size: int, score: Score) -> NDArray[np.float32]:
    """Score the patches of a grid.

    Args:
        pixels: one image, (c, h, w), uint8 or uint16.
        ys: first rows of the grid's patches, (rows,).
        xs: first columns, (columns,).
        size: side of a patch, in pixels.
        score: which score.

    Returns:
        (rows, columns), float32, in units of the [0, 1] scale (squared for ``gradient`` and ``frequency``).
    """
    if score == "frequency":
        return _frequency(pixels, ys, xs, size)
    white = float(np.iinfo(pixels.dtype).max)
    values = size * size * pixels.shape[0]
    if score == "std":
        total = _window_sums(_over_channels(pixels, power=1), ys, xs, size, size)
        squares = _window_sums(_over_channels(pixels, power=2), ys, xs, size, size)
        variance = np.maximum(squares / values - (total / values) ** 2, 0.0)
        return np.asarray(np.sqrt(variance) / white, np.float32)
    if score == "gradient_sqrt":
        return np.asarray(_gradient_lengths(pixels, ys, xs, size) / (values * white * _FRACTION), np.float32)
    power = 2 if score == "gradient" else 1
    across = _over_channels(_differences(pixels, axis=2), power)
    down = _over_channels(_differences(pixels, axis=1), power)
    sums = _window_sums(across, ys, xs, size, size - 1) + _window_sums(down, ys, xs, size - 1, size)
    return np.asarray(sums / (values * white**power), np.float32)


def _gradient_lengths(pixels: Pixels, ys: NDArray[np.integer], xs: NDArray[np.integer], size: int) -> NDArray[np.int64]:
    """Sum the lengths of gradients, in units of 1 / `_FRACTION`; a patch's last row and column have one difference each."""
    across, down = (_differences(pixels, axis).astype(np.float64) for axis in (2, 1))
    lengths = np.rint(np.sqrt(across[:, :-1] ** 2 + down[:, :, :-1] ** 2) * _FRACTION).astype(np.uint64).sum(0, dtype=np.uint64)
    rows, columns = (plane.sum(0).astype(np.uint64) for plane in (across, down))
    inside = _window_sums(lengths, ys, xs, size - 1, size - 1)
    last_row = _window_sums(rows, ys + size - 1, xs, 1, size - 1)
    last_column = _window_sums(columns, ys, xs + size - 1, size - 1, 1)
    return inside + (last_row + last_column) * _FRACTION


def _frequency(pixels: Pixels, ys: NDArray[np.integer], xs: NDArray[np.integer], size: int) -> NDArray[np.float32]:
    """Sum the power of high frequencies; of the two halves of a real spectrum one is computed and counted twice."""
    white = float(np.iinfo(pixels.dtype).max)
    high = 4 * np.abs(np.fft.fftfreq(size, 1 / size).round().astype(int)) >= size
    half = np.arange(size // 2 + 1)
    twice = np.where((half == 0) | (2 * half == size), 1.0, 2.0) * (4 * half >= size)
    scores = np.empty((len(ys), len(xs)), np.float32)
    for row, y in enumerate(ys):
        strip = np.stack([pixels[:, y : y + size, x : x + size] for x in xs]).astype(np.float64) / white
        spectrum = np.fft.rfft2(strip)[:, :, high]
        power = (spectrum.real**2 + spectrum.imag**2) @ twice
        scores[row] = power.sum((1, 2)) / strip[0].size
    return scores


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
