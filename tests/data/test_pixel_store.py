"""The decoded store: pixels, dtypes, digests, repair, sharing between processes."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from raysearch.data.base import Photograph
from raysearch.data.store import PixelStore
from raysearch.errors import DataError, PreflightError

RNG = np.random.default_rng(0)
SHAPES = {"a": (20, 30), "b": (31, 17), "c": (16, 16)}


@pytest.fixture
def photographs(tmp_path: Path) -> list[Photograph]:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name, shape in SHAPES.items():
        Image.fromarray(RNG.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    return [Photograph(name, folder / f"{name}.png") for name in SHAPES]


def pixels_of(photograph: Photograph) -> torch.Tensor:
    return torch.from_numpy(np.asarray(Image.open(photograph.path)).copy()).permute(2, 0, 1)[None]


def test_images_are_what_the_files_hold(tmp_path: Path, photographs: list[Photograph]) -> None:
    store = PixelStore.open(photographs, tmp_path / "cache", 3)
    assert store.names == tuple(SHAPES)
    assert store.sizes == tuple(SHAPES.values())
    assert store.bits == 8
    for number, photograph in enumerate(photographs):
        image = store.image(number)
        assert image.dtype == torch.uint8
        assert torch.equal(image, pixels_of(photograph))


def test_an_image_is_a_copy_and_a_view_is_read_only(tmp_path: Path, photographs: list[Photograph]) -> None:
    store = PixelStore.open(photographs, tmp_path / "cache", 3)
    store.image(0).zero_()
    assert torch.equal(store.image(0), pixels_of(photographs[0]))
    with pytest.raises(ValueError, match="read-only"):
        store.view(0)[:] = 0


def test_one_deep_image_makes_the_store_deep(tmp_path: Path, photographs: list[Photograph]) -> None:
    deep = RNG.integers(0, 65536, (9, 9), dtype=np.uint16)
    path = tmp_path / "photographs" / "deep.png"
    Image.fromarray(deep).save(path)
    store = PixelStore.open([*photographs, Photograph("deep", path)], tmp_path / "cache", 3)
    assert store.image(3).dtype == torch.uint16
    assert np.array_equal(store.image(3)[0, 2].numpy(), deep)
    assert np.array_equal(store.image(0).numpy().astype(int), pixels_of(photographs[0]).numpy().astype(int) * 257)


def test_progress_counts_photographs_and_a_second_opening_decodes_nothing(tmp_path: Path, photographs: list[Photograph]) -> None:
    calls: list[tuple[int, int]] = []
    for _ in range(2):
        PixelStore.open(photographs, tmp_path / "cache", 3, lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_digest_names_content_names_and_channels_but_not_the_place(tmp_path: Path, photographs: list[Photograph]) -> None:
    cache = tmp_path / "cache"
    digest = PixelStore.open(photographs, cache, 3).digest
    moved = tmp_path / "moved"
    (tmp_path / "photographs").rename(moved)
    there = [Photograph(p.name, moved / p.path.name) for p in photographs]
    assert PixelStore.open(there, tmp_path / "other cache", 3).digest == digest
    assert PixelStore.open(there, cache, 1).digest != digest
    assert PixelStore.open([Photograph("x", there[0].path), *there[1:]], cache, 3).digest != digest
    assert PixelStore.open(there[::-1], cache, 3).digest != digest


def test_a_changed_photograph_gives_another_store(tmp_path: Path, photographs: list[Photograph]) -> None:
    before = PixelStore.open(photographs, tmp_path / "cache", 3)
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(photographs[0].path)
    after = PixelStore.open(photographs, tmp_path / "cache", 3)
    assert after.digest != before.digest
    assert not after.image(0).any()


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_store_is_built_anew(tmp_path: Path, photographs: list[Photograph], damage: str) -> None:
    store = PixelStore.open(photographs, tmp_path / "cache", 3)
    data = bytearray(store.path.read_bytes())
    data[100] ^= 1
    store.path.write_bytes(data[:-10] if damage == "truncated" else data)
    again = PixelStore.open(photographs, tmp_path / "cache", 3)
    assert torch.equal(again.image(0), pixels_of(photographs[0]))
    assert torch.equal(again.image(2), pixels_of(photographs[2]))


def test_crops_are_the_squares(tmp_path: Path, photographs: list[Photograph]) -> None:
    store = PixelStore.open(photographs, tmp_path / "cache", 3)
    crops = store.crops(np.array([1, 0, 1]), np.array([3, 0, 23]), np.array([5, 22, 9]), 8)
    assert crops.is_contiguous()
    expected = [pixels_of(photographs[1])[..., 3:11, 5:13], pixels_of(photographs[0])[..., :8, 22:]]
    expected.append(pixels_of(photographs[1])[..., 23:, 9:])
    assert torch.equal(crops, torch.cat(expected))


def test_every_damaged_file_is_named(tmp_path: Path, photographs: list[Photograph]) -> None:
    for photograph in photographs[:2]:
        data = photograph.path.read_bytes()
        photograph.path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="2 files can't be used") as caught:
        PixelStore.open(photographs, tmp_path / "cache", 3)
    assert str(photographs[0].path) in str(caught.value)
    assert str(photographs[1].path) in str(caught.value)
    assert not list((tmp_path / "cache" / "pixels").glob("*.pixels"))


def test_missing_files_and_empty_sets_and_full_disks(
    tmp_path: Path, photographs: list[Photograph], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="no photographs"):
        PixelStore.open([], tmp_path, 3)
    with pytest.raises(DataError, match="No such file"):
        PixelStore.open([Photograph("x", tmp_path / "x.png")], tmp_path, 3)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(PreflightError, match="GiB free"):
        PixelStore.open(photographs, tmp_path / "cache", 3)


def _open_and_report(photographs: list[Photograph], cache: Path, start: object, answers: object) -> None:
    start.wait()
    calls: list[int] = []
    store = PixelStore.open(photographs, cache, 3, lambda done, _: calls.append(done))
    answers.put((len(calls), int(store.image(0).sum())))


def test_processes_build_one_store(tmp_path: Path, photographs: list[Photograph]) -> None:
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_open_and_report, args=(photographs, tmp_path / "cache", start, answers)) for _ in range(2)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(30)
    assert sorted(calls for calls, _ in found) == [0, 3]
    assert len({total for _, total in found}) == 1
