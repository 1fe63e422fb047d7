"""Cells: the square parts of a training patch between which a strategy chooses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from raysearch.shapes import LossMap

CellMap = Float[Tensor, "b 1 rows columns"]
"""One number per cell."""


@dataclass(frozen=True)
class CellGrid:
    """A grid of square cells over images of one size, which may reach over the images' borders.

    Attributes:
        cell: side of a cell, in pixels.
        height: height of the images, in pixels.
        width: width of the images, in pixels.
        top: pixels of the first row of cells that lie above the image.
        left: pixels of the first column of cells that lie left of the image.
        rows: rows of cells.
        columns: columns of cells.
    """

    cell: int
    height: int
    width: int
    top: int
    left: int
    rows: int
    columns: int

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """What `torch.nn.functional.pad` needs to fill the grid: pixels to the left, right, top and bottom."""
        right = self.columns * self.cell - self.width - self.left
        bottom = self.rows * self.cell - self.height - self.top
        return (self.left, right, self.top, bottom)

    def pixels(self, device: torch.device) -> Tensor:
        """Return how many pixels of the image each cell holds: (1, 1, rows, columns), float32, 0 to ``cell ** 2``."""
        down = _overlap(self.rows, self.cell, self.top, self.height)
        across = _overlap(self.columns, self.cell, self.left, self.width)
        return torch.outer(down, across)[None, None].to(device)

    def means(self, maps: LossMap) -> CellMap:
        """Average a map over the pixels of the image in each cell; 0 in a cell that holds none."""
        sums = F.avg_pool2d(F.pad(maps, self.padding), self.cell) * self.cell**2
        return sums / self.pixels(maps.device).clamp(min=1)

    def spread(self, values: CellMap) -> LossMap:
        """Give every pixel of the image the value of its cell: (b, 1, height, width)."""
        large = values.repeat_interleave(self.cell, 2).repeat_interleave(self.cell, 3)
        return large[:, :, self.top : self.top + self.height, self.left : self.left + self.width]


def _overlap(count: int, cell: int, before: int, length: int) -> Tensor:
    """Return how many of ``length`` pixels lie in each of ``count`` cells; the first cell starts ``before`` pixels earlier."""
    edges = (torch.arange(count + 1) * cell - before).clamp(0, length)
    return edges.diff().float()


def plain_grid(cell: int, height: int, width: int) -> CellGrid:
    """Lay the first cell into the upper left corner; the last ones may reach over the border."""
    return CellGrid(cell, height, width, 0, 0, -(-height // cell), -(-width // cell))


def shifted_grid(cell: int, height: int, width: int, generator: torch.Generator) -> CellGrid:
    """Lay a grid at a random place: the first cell begins 0 to ``cell - 1`` pixels before the image, in each direction.

    It has one row and one column more than the image needs, wherever it lies, so that its shape is always the same. An image of at
    least two cells a side can be padded by reflection.
    """
    top, left = torch.randint(cell, (2,), generator=generator).tolist()
    return CellGrid(cell, height, width, top, left, -(-height // cell) + 1, -(-width // cell) + 1)
