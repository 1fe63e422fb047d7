"""Cells, against a plain loop over pixels."""

from __future__ import annotations

import pytest
import torch

from raysearch.samplers._cells import CellGrid, plain_grid, shifted_grid

CPU = torch.device("cpu")


def loop(grid: CellGrid, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    sums = torch.zeros(len(maps), 1, grid.rows, grid.columns)
    counts = torch.zeros(1, 1, grid.rows, grid.columns)
    for y in range(grid.height):
        for x in range(grid.width):
            row, column = (y + grid.top) // grid.cell, (x + grid.left) // grid.cell
            sums[:, 0, row, column] += maps[:, 0, y, x]
            counts[0, 0, row, column] += 1
    return sums / counts.clamp(min=1), counts


@pytest.mark.parametrize(("height", "width", "cell"), [(32, 32, 16), (33, 40, 16), (19, 8, 4), (7, 7, 8)])
@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_means_pixels_and_spread_equal_a_loop(height: int, width: int, cell: int, seed: int | None) -> None:
    if seed is None:
        grid = plain_grid(cell, height, width)
    else:
        grid = shifted_grid(cell, height, width, torch.Generator().manual_seed(seed))
    maps = torch.rand(2, 1, height, width)
    means, counts = loop(grid, maps)
    torch.testing.assert_close(grid.means(maps), means)
    assert torch.equal(grid.pixels(CPU), counts)
    assert grid.pixels(CPU).sum() == height * width
    numbers = torch.arange(2.0 * grid.rows * grid.columns).view(2, 1, grid.rows, grid.columns)
    spread = grid.spread(numbers)
    assert spread.shape == maps.shape
    for y, x in ((0, 0), (height - 1, 0), (height // 2, width - 1)):
        row, column = (y + grid.top) // cell, (x + grid.left) // cell
        assert torch.equal(spread[:, 0, y, x], numbers[:, 0, row, column])


def test_a_shifted_grid_has_one_shape_every_phase_and_can_be_reflected() -> None:
    generator = torch.Generator().manual_seed(0)
    grids = [shifted_grid(16, 32, 37, generator) for _ in range(400)]
    assert {grid.top for grid in grids} == set(range(16))
    assert {grid.left for grid in grids} == set(range(16))
    image = torch.rand(1, 3, 32, 37)
    for grid in grids:
        assert (grid.rows, grid.columns) == (3, 4)
        padded = torch.nn.functional.pad(image, grid.padding, mode="reflect")
        assert padded.shape[2:] == (48, 64)
        assert torch.equal(padded[:, :, grid.top : grid.top + 32, grid.left : grid.left + 37], image)
