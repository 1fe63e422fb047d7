from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from raysearch.data.augment import apply
from raysearch.train.files import USAGE_CELL
from raysearch.train.usage import UsageMaps

NAMES, SIZES = ("first", "indoor/second", "file"), ((50, 61), (40, 40), (33, 48))
PATCH, MARGIN, BATCH = 20, 3, 64
SEEN = PATCH - 2 * MARGIN


Where = tuple[np.ndarray, np.ndarray, np.ndarray]  # type: ignore[type-arg]


class Index:
    """Patches of several batches."""

    names, sizes = NAMES, SIZES

    def __init__(self) -> None:
        batches = [places(seed) for seed in range(6)]
        self._columns = [np.concatenate([batch[axis] for batch in batches]) for axis in range(3)]
        self.count = len(self._columns[0])

    def locate(self, rows: torch.Tensor) -> Where:
        image, y, x = (column[rows.numpy()] for column in self._columns)
        return image, y, x


def rows_of(seed: int) -> torch.Tensor:
    return torch.arange(seed * BATCH, (seed + 1) * BATCH)


def places(seed: int) -> Where:
    """Random patches, with those flush with the lower right corner among them."""
    random = np.random.default_rng(seed)
    image = random.integers(0, len(SIZES), BATCH).astype(np.int32)
    room = np.array(SIZES)[image] - PATCH
    y, x = (random.integers(0, room[:, axis] + 1).astype(np.int32) for axis in (0, 1))
    y[:8], x[:8] = room[:8, 0], room[:8, 1]
    return image, y, x


def by_hand(where: tuple[np.ndarray, ...], patches: np.ndarray) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    """Accumulate pixel by pixel, then average over cells."""
    pixels = [np.zeros(size) for size in SIZES]
    for image, y, x, patch in zip(*where, patches, strict=True):
        pixels[image][y + MARGIN : y + MARGIN + SEEN, x + MARGIN : x + MARGIN + SEEN] += patch
    return {
        name: np.array(
            [[page[i : i + USAGE_CELL, j : j + USAGE_CELL].mean() for j in range(0, w, USAGE_CELL)] for i in range(0, h, 8)]
        )
        for name, page, (h, w) in zip(NAMES, pixels, SIZES, strict=True)
    }


def new_maps() -> UsageMaps:
    return UsageMaps(Index(), SEEN, MARGIN, torch.device("cpu"))


def test_without_weights_every_covered_pixel_counts_one() -> None:
    maps, rows, where = new_maps(), rows_of(0), places(0)
    maps.add(rows, torch.zeros(BATCH, dtype=torch.int64), None)
    expected = by_hand(where, np.ones((BATCH, SEEN, SEEN)))
    for name, found in maps.maps().items():
        np.testing.assert_allclose(found, expected[name], rtol=1e-6)


def test_weights_are_relative_to_uniform_and_lie_as_the_photograph(generator: torch.Generator) -> None:
    maps, rows, where = new_maps(), rows_of(1), places(1)
    upright = torch.rand(BATCH, 1, SEEN, SEEN, generator=generator)
    ops = torch.randint(8, (BATCH,), generator=generator)
    maps.add(rows, ops, apply(upright, ops))
    expected = by_hand(where, upright[:, 0].numpy() * SEEN**2)
    for name, found in maps.maps().items():
        np.testing.assert_allclose(found, expected[name], rtol=1e-5, atol=1e-5)


def test_uniform_weights_equal_none(generator: torch.Generator) -> None:
    one, other, rows = new_maps(), new_maps(), rows_of(2)
    ops = torch.randint(8, (BATCH,), generator=generator)
    one.add(rows, ops, None)
    other.add(rows, ops, torch.full((BATCH, 1, SEEN, SEEN), 1 / SEEN**2))
    for name, found in one.maps().items():
        np.testing.assert_allclose(found, other.maps()[name], rtol=1e-5)


def test_saved_and_read_without_pickle(tmp_path: Path) -> None:
    maps = new_maps()
    maps.add(rows_of(3), torch.zeros(BATCH, dtype=torch.int64), None)
    maps.save(tmp_path / "usage.npz")
    with np.load(tmp_path / "usage.npz", allow_pickle=False) as back:
        assert set(back.files) == set(NAMES)
        for name, expected in maps.maps().items():
            assert back[name].dtype == np.float32
            np.testing.assert_array_equal(back[name], expected)


def test_state_goes_on_where_it_stood() -> None:
    whole, first, second = new_maps(), new_maps(), new_maps()
    none = torch.zeros(BATCH, dtype=torch.int64)
    for seed in (4, 5):
        whole.add(rows_of(seed), none, None)
    first.add(rows_of(4), none, None)
    second.load_state_dict(first.state_dict())
    second.add(rows_of(5), none, None)
    for name, expected in whole.maps().items():
        np.testing.assert_array_equal(second.maps()[name], expected)
    with pytest.raises(ValueError, match="other photographs"):
        new_maps().load_state_dict(first.state_dict() | {"sums": torch.zeros(3)})
