"""Photographs are decoded before a study starts, with progress, hashes and thumbnails."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from raysearch.data.store import PixelStore
from raysearch.errors import DataError
from raysearch.spec.trial import TrialConfig
from raysearch.train.prepare import THUMBNAIL_SIDE, prepare, write_thumbnails

BASE = {
    "task": "demosaic",
    "model": {"kind": "deepjdd", "padding": "same", "depth": 2, "width": 4},
    "sampler": {"kind": "gradient", "keep": 0.5},
    "patch": {"size": 32},
    "recipe": {"kind": "supervised", "loss": "l2", "optimizer": "adam", "schedule": "constant"},
}


def test_photos_are_counted_hashed_cut_and_shrunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = TrialConfig.parse(BASE | {"data": "photos"})
    seen: list[tuple[str, int, int]] = []
    sets = prepare(
        trial,
        tmp_path / "cache",
        ("train", "validation", "test"),
        lambda *told: seen.append(told),
    )
    assert [(s.split, s.photographs) for s in sets] == [("train", 5), ("validation", 1), ("test", 3)]
    assert len({s.digest for s in sets}) == 3
    assert sets[0].patches is not None
    assert sets[0].patches > 1000
    assert ("decoding train photographs (photos)", 5, 5) in seen
    assert any(what == "cutting training patches" and done == total for what, done, total in seen)
    write_thumbnails(trial, tmp_path / "cache", tmp_path / "photographs")
    pictures = sorted((tmp_path / "photographs").glob("*.png"))
    assert len(pictures) == 5
    (gathered,) = trial.data.gather("train")
    store = PixelStore.open(gathered.photographs, tmp_path / "cache", 3)
    for name, (height, width) in zip(store.names, store.sizes, strict=True):
        with Image.open(tmp_path / "photographs" / f"{name}.png") as picture:
            assert max(picture.size) == THUMBNAIL_SIDE
            assert picture.width / picture.height == pytest.approx(width / height, rel=0.01)
    monkeypatch.setattr("raysearch.train.prepare.MOST_THUMBNAILS", 4)
    write_thumbnails(trial, tmp_path / "cache", tmp_path / "few")
    assert [path.name for path in sorted((tmp_path / "few").glob("*.png"))] == [pictures[i].name for i in (0, 2, 4)]


def test_an_unreadable_photograph_is_named(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        (tmp_path / split).mkdir()
        Image.effect_noise((64, 64), 50 + len(split)).save(tmp_path / split / f"{split}.png")
    whole = (tmp_path / "train" / "train.png").read_bytes()
    (tmp_path / "train" / "torn.png").write_bytes(whole[: len(whole) // 2])
    data = {"kind": "folder", "train": str(tmp_path / "train"), "validation": str(tmp_path / "validation")}
    trial = TrialConfig.parse(BASE | {"data": data | {"test": {"mine": str(tmp_path / "test")}}})
    with pytest.raises(DataError, match=r"torn\.png"):
        prepare(trial, tmp_path / "cache", ("train",), lambda *told: None)
