"""Usage maps: how much each place of each training photograph was trained on.

A pixel's usage is the sum, over all patches that covered it, of its weight in that step's loss relative to uniform weights: 1 for
each patch when the sampler weighs nothing, 0 where it masked the pixel. Kept as means over square cells of `USAGE_CELL` pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raysearch.data.augment import undo
from raysearch.shapes import PixelWeights, Rows
from raysearch.train.arrays import save_arrays
from raysearch.train.files import USAGE_CELL

Numbers = NDArray[np.int64]
_AT_ONCE = 4096  # patches whose visits are spread at once


class Places(Protocol):
    """What is read of a `raysearch.data.index.PatchIndex`."""

    @property
    def count(self) -> int:
        """Number of patches."""

    @property
    def names(self) -> tuple[str, ...]:
        """The photographs."""

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Their height and width, in pixels."""

    def locate(self, rows: Rows) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Return photograph number, first row and first column of patches."""


class UsageMaps:
    """Accumulates weights on the device, without synchronising it.

    Args:
        index: the training patches.
        patch: side of the square of pixels that the loss sees (a patch without the network's margin).
        margin: pixels that the network loses on each side of a patch.
        device: where weights live.
    """

    def __init__(self, index: Places, patch: int, margin: int, device: torch.device) -> None:
        self._index = index
        self._grids = tuple((-(-h // USAGE_CELL), -(-w // USAGE_CELL)) for h, w in index.sizes)
        cells = [h * w for h, w in self._grids]
        self._first = np.array([0, *itertools.accumulate(cells)][:-1], dtype=np.int64)
        self._columns = np.array([w for _, w in self._grids], dtype=np.int64)
        self._margin = margin
        self._visits = torch.zeros(index.count, dtype=torch.int64)  # of whole patches, by row: spread over cells at the end
        self._sums = torch.zeros(sum(cells), dtype=torch.float64, device=device)
        self._pool = _pooling(patch, device)

    def add(self, rows: Rows, ops: Tensor, weights: PixelWeights | None) -> None:
        """Count one batch.

        Args:
            rows: the patches.
            ops: the augmentation of each patch, see `raysearch.data.augment`.
            weights: what the sampler answered for the whole batch; None counts every pixel as 1.
        """
        if weights is None:
            self._visits.index_add_(0, rows, torch.ones_like(rows))
            return
        image, top, left, y, x = self._places(rows)
        relative = undo(weights * (weights.shape[-2] * weights.shape[-1]), ops).squeeze(1)
        cells = self._pool[y] @ relative.to(self._pool.dtype) @ self._pool[x].transpose(1, 2)
        self._sums.index_add_(0, self._cell_numbers(image, top, left).flatten(), cells.flatten().double())

    def _places(self, rows: Rows) -> tuple[Numbers, Numbers, Numbers, Tensor, Tensor]:
        """Return, for patches without their margin, photograph, first row and column, and both offsets inside a cell."""
        image, top, left = (values.astype(np.int64) for values in self._index.locate(rows))
        top, left = top + self._margin, left + self._margin
        y, x = (torch.from_numpy(first % USAGE_CELL).to(self._sums.device) for first in (top, left))
        return image, top, left, y, x

    def _with_visits(self) -> Tensor:
        """Return the sums with the visits of whole patches spread over them, on the CPU."""
        sums, covered = self._sums.cpu().clone(), self._pool.sum(dim=2).cpu().double()
        visited = self._visits.nonzero().squeeze(1)
        for rows in torch.split(visited, _AT_ONCE):
            image, top, left, y, x = self._places(rows)
            cells = covered[y.cpu()].unsqueeze(2) * covered[x.cpu()].unsqueeze(1) * self._visits[rows, None, None]
            sums.index_add_(0, self._cell_numbers(image, top, left).cpu().flatten(), cells.flatten())
        return sums

    def _cell_numbers(self, image: Numbers, top: Numbers, left: Numbers) -> Tensor:
        """Positions in the flat sums of the cells that each patch touches: (b, n, n), on the device.

        A patch that starts at a cell's first pixel touches one cell fewer than the pooling has rows; the surplus row adds zeros,
        and its position is kept inside the table.
        """
        steps = np.arange(self._pool.shape[1])
        rows = (top // USAGE_CELL)[:, None] + steps
        columns = (left // USAGE_CELL)[:, None] + steps
        flat = self._first[image][:, None, None] + rows[:, :, None] * self._columns[image][:, None, None] + columns[:, None, :]
        return torch.from_numpy(np.minimum(flat, self._sums.shape[0] - 1)).to(self._sums.device)

    def maps(self) -> dict[str, NDArray[np.float32]]:
        """Return, by photograph, the mean usage of each cell: (rows, columns), float32; border cells average what they have."""
        sums = self._with_visits().numpy()
        found = {}
        for name, size, grid, first in zip(self._index.names, self._index.sizes, self._grids, self._first, strict=True):
            total = sums[first : first + grid[0] * grid[1]].reshape(grid)
            found[name] = (total / np.outer(_extent(size[0]), _extent(size[1]))).astype(np.float32)
        return found

    def save(self, path: Path) -> None:
        """Write the maps as a compressed ``.npz``: photograph's name -> map."""
        save_arrays(self.maps(), path)

    def state_dict(self) -> dict[str, object]:
        """Return visits and sums."""
        return {"visits": self._visits, "sums": self._sums}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue from saved visits and sums."""
        for name, own in (("visits", self._visits), ("sums", self._sums)):
            saved = state[name]
            if not isinstance(saved, Tensor) or saved.shape != own.shape:
                raise ValueError("the usage maps are those of other photographs")
            own.copy_(saved)


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
