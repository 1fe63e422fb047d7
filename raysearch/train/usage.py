"""Usage maps: how much each place of each training photograph was trained on.

A pixel's usage is the sum, over all patches that covered it, of its weight in that step's loss relative to uniform weights: 1 for
each patch when the sampler weighs nothing, 0 where it masked the pixel. Kept as means over square cells of `USAGE_CELL` pixels.
"""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raysearch.data.augment import undo
from raysearch.shapes import PixelWeights
from raysearch.train.checkpoint import write_atomically
from raysearch.train.files import USAGE_CELL


class UsageMaps:
    """Accumulates weights on the device, without synchronising it.

    Args:
        names: the training photographs.
        sizes: their height and width, in pixels.
        patch: side of the square of pixels that the loss sees (a patch without the network's margin).
        margin: pixels that the network loses on each side of a patch.
        device: where weights live.
    """

    def __init__(
        self, names: Sequence[str], sizes: Sequence[tuple[int, int]], patch: int, margin: int, device: torch.device
    ) -> None:
        self._names = tuple(names)
        self._sizes = tuple((int(h), int(w)) for h, w in sizes)
        self._grids = tuple((-(-h // USAGE_CELL), -(-w // USAGE_CELL)) for h, w in self._sizes)
        cells = [h * w for h, w in self._grids]
        self._first = np.array([0, *itertools.accumulate(cells)][:-1], dtype=np.int64)
        self._columns = np.array([w for _, w in self._grids], dtype=np.int64)
        self._margin = margin
        self._sums = torch.zeros(sum(cells), dtype=torch.float64, device=device)
        self._pool = _pooling(patch, device)
        self._covered = self._pool.sum(dim=2)

    def add(
        self, places: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]], ops: Tensor, weights: PixelWeights | None
    ) -> None:
        """Count one batch.

        Args:
            places: photograph number, top row and left column of each patch, each of shape (b,).
            ops: the augmentation of each patch, see `raysearch.data.augment`.
            weights: what the sampler answered for the whole batch; None counts every pixel as 1.
        """
        image = places[0]
        top, left = (first.astype(np.int64) + self._margin for first in places[1:])
        device = self._sums.device
        rows = torch.from_numpy(top % USAGE_CELL).to(device)
        columns = torch.from_numpy(left % USAGE_CELL).to(device)
        if weights is None:
            cells = self._covered[rows].unsqueeze(2) * self._covered[columns].unsqueeze(1)
        else:
            relative = undo(weights * (weights.shape[-2] * weights.shape[-1]), ops).squeeze(1)
            cells = self._pool[rows] @ relative.to(self._pool.dtype) @ self._pool[columns].transpose(1, 2)
        self._sums.index_add_(0, self._cell_numbers(image, top, left).to(device).flatten(), cells.flatten().double())

    def _cell_numbers(self, image: NDArray[np.int32], top: NDArray[np.int64], left: NDArray[np.int64]) -> Tensor:
        """Positions in the flat sums of the cells that each patch touches: (b, n, n).

        A patch that starts at a cell's first pixel touches one cell fewer than the pooling has rows; the surplus row adds zeros,
        and its position is kept inside the table.
        """
        steps = np.arange(self._pool.shape[1])
        rows = (top // USAGE_CELL)[:, None] + steps
        columns = (left // USAGE_CELL)[:, None] + steps
        flat = self._first[image][:, None, None] + rows[:, :, None] * self._columns[image][:, None, None] + columns[:, None, :]
        return torch.from_numpy(np.minimum(flat, self._sums.shape[0] - 1))

    def maps(self) -> dict[str, NDArray[np.float32]]:
        """Return, by photograph, the mean usage of each cell: (rows, columns), float32; border cells average what they have."""
        sums = self._sums.cpu().numpy()
        found = {}
        for name, size, grid, first in zip(self._names, self._sizes, self._grids, self._first, strict=True):
            total = sums[first : first + grid[0] * grid[1]].reshape(grid)
            found[name] = (total / np.outer(_extent(size[0]), _extent(size[1]))).astype(np.float32)
        return found

    def save(self, path: Path) -> None:
        """Write the maps as a compressed ``.npz``: photograph's name -> map."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:  # np.savez has names of its own ("file") in the way
            for name, values in self.maps().items():
                with archive.open(f"{name}.npy", "w") as entry:
                    np.lib.format.write_array(entry, values, allow_pickle=False)
        write_atomically(path, buffer.getvalue())

    def state_dict(self) -> dict[str, object]:
        """Return the sums."""
        return {"sums": self._sums}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue from saved sums."""
        sums = state["sums"]
        if not isinstance(sums, Tensor) or sums.shape != self._sums.shape:
            raise ValueError("the usage maps are those of other photographs")
        self._sums.copy_(sums)


def _extent(length: int) -> NDArray[np.int64]:
    """Pixels of each cell along one axis: `USAGE_CELL`, and the rest in the last one."""
    starts = np.arange(0, length, USAGE_CELL)
    return np.minimum(USAGE_CELL, length - starts)


def _pooling(patch: int, device: torch.device) -> Tensor:
    """For each offset of a patch inside its first cell, the 0/1 matrix that sums its pixels by cell: (`USAGE_CELL`, n, patch)."""
    pixel = torch.arange(patch, device=device)
    offset = torch.arange(USAGE_CELL, device=device)[:, None]
    cell = (pixel + offset) // USAGE_CELL  # (offset, pixel)
    count = (patch + 2 * USAGE_CELL - 2) // USAGE_CELL
    return (cell[:, None, :] == torch.arange(count, device=device)[None, :, None]).float()
