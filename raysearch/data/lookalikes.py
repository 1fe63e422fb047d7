"""Photographs that look alike although their files differ: copies in another format, size, colour or orientation.

A photograph is reduced to 16 x 16 means of its luma, and those to their differences along both axes, scaled to length one. The
likeness of two photographs is the largest inner product of their differences over the eight flips and quarter turns.

Measured on 554 photographs (BSDS500, Set14, 40 of Urban100): two different ones reach 0.55 at most. A grey copy has 1.00, one of
half the size 1.00, JPEG of quality 10 and noise of sigma 25 at least 0.98, and cut to a multiple of twelve pixels at least 0.82. A
crop of nine tenths or less is not found: this is no proof that two sets are disjoint. Flat images are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raysearch.data.base import Photograph, Progress
from raysearch.data.decode import decode
from raysearch.data.parallel import in_order
from raysearch.data.sealed import Facts, cached, digest_of, file_hashes

LIKENESS = 0.75
"""From this on two photographs count as the same."""

_VERSION = 1
_SIDE = 16
_FLAT = 2.0 / 255  # root mean square of the differences below which nothing can be told
_ROWS = 4096  # photographs that are compared at a time


@dataclass(frozen=True)
class Lookalike:
    """Two photographs that look alike, and their likeness, up to 1."""

    first: Photograph
    second: Photograph
    likeness: float


def thumbnails(photographs: Sequence[Photograph], cache: Path, progress: Progress) -> NDArray[np.float32]:
    """Return the mean lumas (n, 16, 16) of the clean photographs in [0, 1], from the cache where they were computed before.

    Raises:
        DataError: a photograph can't be read.
    """
    files = [photograph.path for photograph in photographs]
    path = cache / "thumbnails" / f"{digest_of([_VERSION, file_hashes(files, cache)])[:24]}.npy"

    def build(draft: Path) -> Facts:
        found = np.empty((len(files), _SIDE, _SIDE), np.float32)
        for done, thumbnail in enumerate(in_order(_thumbnail, files)):
            found[done] = thumbnail
            progress("looking for photographs that look alike", done + 1, len(files))
        with draft.open("wb") as target:
            np.save(target, found, allow_pickle=False)
        return {"photographs": len(files)}

    cached(path, build)
    read: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return read


def lookalikes(
    first: Sequence[Photograph], second: Sequence[Photograph], cache: Path, progress: Progress, least: float = LIKENESS
) -> list[Lookalike]:
    """List the pairs of a photograph of ``first`` and one of ``second`` that look alike, the most alike first.

    Raises:
        DataError: a photograph can't be read.
    """
    ours, theirs = (thumbnails(photographs, cache, progress) for photographs in (first, second))
    turned = [_differences(view) for view in _symmetries(theirs)]
    found: list[Lookalike] = []
    for start in range(0, len(ours), _ROWS):
        rows = _differences(ours[start : start + _ROWS])
        likeness = np.max([rows @ columns.T for columns in turned], axis=0)
        for i, j in zip(*np.nonzero(likeness >= least), strict=True):
            found.append(Lookalike(first[start + int(i)], second[int(j)], float(likeness[i, j])))
    return sorted(found, key=lambda pair: (-pair.likeness, pair.first.name, pair.second.name))


def _thumbnail(path: Path) -> NDArray[np.float64]:
    pixels = decode(path)
    grey = pixels.mean(2) / np.iinfo(pixels.dtype).max
    return _means(_means(grey).T).T


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average the rows of (h, w) into 16 strips of equal height; a row on a border counts to both in proportion."""
    height = len(values)
    sums = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(0)])
    borders = np.linspace(0, height, _SIDE + 1)
    below = np.floor(borders).astype(int)
    part = (borders - below)[:, None]
    at = sums[below] * (1 - part) + sums[np.minimum(below + 1, height)] * part
    means: NDArray[np.float64] = np.diff(at, axis=0) * _SIDE / height
    return means


def _symmetries(views: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for upright in (views, views.swapaxes(1, 2)):
        for rows in (1, -1):
            for columns in (1, -1):
                yield upright[:, ::rows, ::columns]


def _differences(views: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the differences along both axes, (n, 2 * 15 * 15), of length one; zeros for a flat photograph."""
    across, down = np.diff(views, axis=2)[:, :-1], np.diff(views, axis=1)[:, :, :-1]
    both = np.stack([across, down], 1).reshape(len(views), -1)
    length = np.linalg.norm(both, axis=1, keepdims=True)
    flat = length < _FLAT * np.sqrt(both.shape[1])
    return np.where(flat, 0, both / np.maximum(length, 1e-12)).astype(np.float32)
