"""The table of patches: where they lie, what is read, what is remembered, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from raysearch.data.base import Gathered, Photograph
from raysearch.data.index import PatchIndex, grid
from raysearch.data.scores import patch_scores
from raysearch.errors import DataError, SpecError

SHAPES = {"a": (40, 50), "b": (35, 33)}
CUT = {"channels": 3, "size": 16, "stride": 16, "multiple_of": 2, "scores": frozenset({"gradient", "std"})}


@pytest.fixture
def gathered(tmp_path: Path) -> Gathered:
    rng = np.random.default_rng(0)
    photographs = []
    for name, shape in SHAPES.items():
        Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
        photographs.append(Photograph(name, tmp_path / f"{name}.png"))
    return Gathered("toy", tuple(photographs), ())


def test_columns(tmp_path: Path, gathered: Gathered) -> None:
    index = PatchIndex.open(gathered, tmp_path / "cache", **CUT)
    assert index.table.schema == pa.schema(
        [(name, pa.int32()) for name in ("image", "y", "x", "size")] + [(name, pa.float32()) for name in ("gradient", "std")]
    )
    assert index.count == index.table.num_rows == 2 * 3 + 2 * 2
    assert index.names == ("a", "b")
    assert index.sizes == tuple(SHAPES.values())
    image, y, x = index.locate(torch.arange(index.count))
    assert list(zip(image.tolist(), y.tolist(), x.tolist(), strict=True)) == [
        (number, y, x) for number, (h, w) in enumerate(SHAPES.values()) for y in range(0, h - 15, 16) for x in range(0, w - 15, 16)
    ]


def test_read_gives_the_patches_of_the_rows(tmp_path: Path, gathered: Gathered) -> None:
    index = PatchIndex.open(gathered, tmp_path / "cache", **CUT)
    rows = torch.tensor([7, 0, 7, 3])
    patches = index.read(rows)
    assert patches.shape == (4, 3, 16, 16)
    assert patches.dtype == torch.uint8
    for patch, image, y, x in zip(patches, *index.locate(rows), strict=True):
        whole = np.asarray(Image.open(gathered.photographs[image].path))
        assert np.array_equal(patch.permute(1, 2, 0).numpy(), whole[y : y + 16, x : x + 16])


@pytest.mark.parametrize("row", [-1, 10])
def test_rows_outside_are_refused(tmp_path: Path, gathered: Gathered, row: int) -> None:
    index = PatchIndex.open(gathered, tmp_path / "cache", **CUT)
    with pytest.raises(IndexError, match=r"\[0, 10\)"):
        index.read(torch.tensor([0, row]))
    assert index.read(torch.tensor([], dtype=torch.int64)).shape == (0, 3, 16, 16)


def test_scores_are_those_of_the_patches(tmp_path: Path, gathered: Gathered) -> None:
    index = PatchIndex.open(gathered, tmp_path / "cache", **CUT)
    everything = index.read(torch.arange(index.count)).numpy()
    origin = np.zeros(1, np.int64)
    for name in ("gradient", "std"):
        scores = index.scores(name)
        scores[:] += 0.0  # a copy, and writable
        assert scores.tolist() == [patch_scores(patch, origin, origin, 16, name).item() for patch in everything]
    with pytest.raises(DataError, match="no score 'gradient_l1'"):
        index.scores("gradient_l1")


def test_paper_counts() -> None:
    rows, columns = grid(1356, 2040, 96, 120, 1)
    assert (len(rows), len(columns)) == (11, 17)
    assert 400 * len(grid(321, 481, 64, 64, 2)[0]) * len(grid(321, 481, 64, 64, 2)[1]) == 14_000


@pytest.mark.parametrize(("size", "stride", "multiple_of"), [(8, 5, 2), (8, 1, 2), (12, 7, 4), (8, 9, 1), (8, 100, 2)])
def test_grid_is_inside_keeps_the_phase_and_repeats_nothing(size: int, stride: int, multiple_of: int) -> None:
    for places, side in zip(grid(37, 64, size, stride, multiple_of), (37, 64), strict=True):
        assert places[0] == 0
        assert places[-1] + size <= side
        assert not (places % multiple_of).any()
        assert (np.diff(places) > 0).all()
        assert np.abs(np.diff(places) - max(stride, multiple_of)).max(initial=0) < multiple_of


def test_built_once_and_in_one_count_of_progress(tmp_path: Path, gathered: Gathered) -> None:
    calls: list[tuple[int, int]] = []
    for _ in range(2):
        PatchIndex.open(gathered, tmp_path / "cache", **CUT, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_digest_names_pixels_and_cut_and_not_the_scores(tmp_path: Path, gathered: Gathered) -> None:
    def digest(**changed: object) -> str:
        return PatchIndex.open(gathered, tmp_path / "cache", **{**CUT, **changed}).digest

    assert digest() == digest(scores=frozenset()) == digest(scores=frozenset({"gradient_l1"}))
    assert len({digest(), digest(size=8), digest(stride=8), digest(multiple_of=1), digest(channels=1)}) == 5


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_table_is_built_anew(tmp_path: Path, gathered: Gathered, damage: str) -> None:
    expected = PatchIndex.open(gathered, tmp_path / "cache", **CUT).table.to_pydict()
    (path,) = (tmp_path / "cache" / "patches").glob("*.arrow")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data[:-10] if damage == "truncated" else data)
    assert PatchIndex.open(gathered, tmp_path / "cache", **CUT).table.to_pydict() == expected


def test_a_photograph_smaller_than_a_patch_is_named_with_size_and_remedy(tmp_path: Path, gathered: Gathered) -> None:
    with pytest.raises(DataError, match=r"photograph 'b' has 35 x 33 pixels.*patch of 36 x 36") as caught:
        PatchIndex.open(gathered, tmp_path / "cache", **{**CUT, "size": 36})
    assert "at most 33" in str(caught.value)
    with pytest.raises(DataError, match="1 more"):
        PatchIndex.open(gathered, tmp_path / "cache", **{**CUT, "size": 48})


def test_a_size_that_breaks_the_phase_is_refused(tmp_path: Path, gathered: Gathered) -> None:
    with pytest.raises(SpecError, match="patch size 15 is no multiple of 2") as caught:
        PatchIndex.open(gathered, tmp_path / "cache", **{**CUT, "size": 15})
    assert "choose 14" in str(caught.value)


def test_the_table_is_mapped_and_not_copied(tmp_path: Path, gathered: Gathered) -> None:
    before = pa.total_allocated_bytes()
    index = PatchIndex.open(gathered, tmp_path / "cache", **CUT)
    del index
    index = PatchIndex.open(gathered, tmp_path / "cache", **CUT)
    assert pa.total_allocated_bytes() == before
    assert index.count == 10
