"""Pairs of real images: how they are found, split by scene, stored, cut and scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from raysearch.data.base import SPLITS, CorpusConfig, Gathered, Photograph
from raysearch.data.corpora import pairs, unpaired
from raysearch.data.index import PatchIndex
from raysearch.data.planes import header_of
from raysearch.data.scores import patch_scores
from raysearch.data.store import PixelStore
from raysearch.errors import DataError

RNG = np.random.default_rng(3)
SCENE = r"_([a-z]+)_\d+$"
NAMES = [f"cam{camera}_{scene}_{crop}" for camera in (1, 2) for scene in ("chair", "desk", "plug", "toy") for crop in (1, 12)]


def save(path: Path, height: int = 12, width: int = 16, *, channels: int = 3, dtype: type = np.uint8) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (height, width, 3) if channels == 3 else (height, width)
    pixels = RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    Image.fromarray(pixels).save(path)
    return pixels.reshape(height, width, channels)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        save(tmp_path / "set" / "real" / f"{name}.png")
        save(tmp_path / "set" / "mean" / f"{name}.png")
    return tmp_path


def folders(root: Path) -> dict[str, str]:
    return {"degraded": str(root / "set" / "real"), "clean": str(root / "set" / "mean")}


def config(root: Path, **changed: object) -> pairs.Config:
    held = {"hold_out": 1, "hold_out_test": 1}
    changed = {key: value for key, value in {**held, **changed}.items() if value is not None}
    return pairs.Config.parse({"train": folders(root), **changed})


def scenes(corpus: CorpusConfig) -> dict[str, set[str]]:
    return {split: {p.name.split("_")[1] for one in corpus.gather(split) for p in one.photographs} for split in SPLITS}


def test_whole_scenes_are_held_out_over_all_cameras(root: Path) -> None:
    corpus = config(root, scene=SCENE)
    found = scenes(corpus)
    assert sorted(scene for chosen in found.values() for scene in chosen) == ["chair", "desk", "plug", "toy"]
    assert [len(found[split]) for split in SPLITS] == [2, 1, 1]
    assert sum(len(one.photographs) for split in SPLITS for one in corpus.gather(split)) == len(NAMES)
    assert {one.dataset for split in SPLITS for one in corpus.gather(split)} == {"set"}


def test_without_a_pattern_every_pair_is_a_scene(root: Path) -> None:
    corpus = config(root, hold_out=3, hold_out_test=5)
    assert [len(corpus.gather(split)[0].photographs) for split in SPLITS] == [8, 3, 5]


def test_a_scene_in_two_splits_is_refused(root: Path) -> None:
    test = {"one": {**folders(root), "include": ["*_chair_1.png"]}}
    corpus = config(root, train={**folders(root), "exclude": ["*_chair_1.png"]}, hold_out_test=None, test=test, scene=SCENE)
    with pytest.raises(DataError, match=r"scene 'chair' are in (train|validation) and in test"):
        corpus.gather("train")


def test_a_pattern_that_does_not_match_names_the_photograph(root: Path) -> None:
    with pytest.raises(DataError, match="does not match 'cam1_chair_1'"):
        config(root, scene="^nikon").gather("train")
    with pytest.raises(DataError, match="4 of 4 scenes can't be held out"):
        config(root, scene=SCENE, hold_out_test=4).gather("train")


def test_an_image_without_counterpart_is_named(root: Path) -> None:
    (root / "set" / "mean" / f"{NAMES[3]}.png").unlink()
    with pytest.raises(DataError, match=f"1 of {len(NAMES)} images have no counterpart, the first is '{NAMES[3]}'") as caught:
        config(root).gather("train")
    assert caught.value.place == str(root / "set" / "mean")


def test_suffixes_may_differ_and_a_split_file_chooses(root: Path) -> None:
    for name in NAMES:
        file = root / "set" / "mean" / f"{name}.png"
        Image.open(file).save(file.with_suffix(".bmp"))
        file.unlink()
    (root / "chosen.txt").write_text("\n".join(NAMES[:4]))
    corpus = config(root, train={**folders(root), "split_file": str(root / "chosen.txt")})
    assert sum(len(corpus.gather(split)[0].photographs) for split in SPLITS) == 4


@pytest.mark.parametrize("policy", ["refuse", "skip"])
def test_a_pair_of_two_sizes_names_its_file(root: Path, policy: str) -> None:
    save(root / "set" / "real" / f"{NAMES[0]}.png", 12, 17)
    corpus = config(root, unreadable=policy, hold_out_test=None)
    if policy == "skip":
        (one,) = corpus.gather("train")
        assert [path.name for path, _ in one.refused] == [f"{NAMES[0]}.png"]
        return
    with pytest.raises(DataError, match=r"has 12 x 17 pixels .* has 12 x 16") as caught:
        corpus.gather("train")
    assert caught.value.place == str(root / "set" / "real" / f"{NAMES[0]}.png")


def test_a_degraded_image_in_two_splits_is_refused(root: Path) -> None:
    other = root / "other"
    for side in ("real", "mean"):
        save(other / side / "x.png")
    (other / "real" / "x.png").write_bytes((root / "set" / "real" / f"{NAMES[0]}.png").read_bytes())
    test = {"other": {"degraded": str(other / "real"), "clean": str(other / "mean")}}
    with pytest.raises(DataError, match="same photograph"):
        config(root, hold_out_test=None, test=test).gather("train")


@pytest.mark.parametrize(
    "changed",
    [
        {"hold_out": None},
        {"hold_out": 0},
        {"test": {"a": {"degraded": "x", "clean": "y"}}},
        {"scene": "("},
        {"train": {"degraded": "x", "clean": "x"}},
        {"train": "x"},
    ],
    ids=str,
)
def test_mistakes_are_refused_when_parsed(root: Path, changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        config(root, **changed)


def test_no_test_set(root: Path) -> None:
    with pytest.raises(DataError, match="no test set is named"):
        config(root, hold_out_test=None).gather("test")


# unpaired


def loose(root: Path, degraded: int, clean: int, **changed: object) -> unpaired.Config:
    for number in range(degraded):
        save(root / "phone" / f"p_night_{number}.png", 20, 10)
    for number in range(clean):
        save(root / "good" / f"{number}.png", 14, 30)
    data = {"degraded": str(root / "phone"), "clean": str(root / "good"), "validation": folders(root), **changed}
    return unpaired.Config.parse(data)


@pytest.mark.parametrize(("degraded", "clean"), [(2, 5), (5, 2), (3, 3)])
def test_unpaired_uses_every_image_and_cuts_a_couple_to_the_common_middle(root: Path, degraded: int, clean: int) -> None:
    corpus = loose(root, degraded, clean)
    (one,) = corpus.gather("train")
    assert len(one.photographs) == max(degraded, clean)
    assert len({photograph.degraded for photograph in one.photographs}) == degraded
    assert len({photograph.path for photograph in one.photographs}) == clean
    store = PixelStore.open(one.photographs, root / "cache", 6)
    assert set(store.sizes) == {(14, 10)}
    for number, photograph in enumerate(one.photographs):
        header = header_of(photograph)
        assert (header.height, header.width) == (14, 10)
        assert photograph.degraded is not None
        stored = store.view(number).transpose(1, 2, 0)
        assert np.array_equal(stored[..., :3], np.asarray(Image.open(photograph.path))[:, 10:20])
        assert np.array_equal(stored[..., 3:], np.asarray(Image.open(photograph.degraded))[3:17])


def test_unpaired_validates_and_tests_on_true_pairs_only(root: Path) -> None:
    corpus = loose(root, 2, 2)
    assert all(photograph.related for photograph in corpus.gather("validation")[0].photographs)
    with pytest.raises(DataError, match="no test set is named") as caught:
        corpus.gather("test")
    assert "true pairs" in caught.value.remedy
    with pytest.raises(ValidationError, match="validation"):
        unpaired.Config.parse({"degraded": str(root / "phone"), "clean": str(root / "good")})


def test_unpaired_refuses_what_it_evaluates_on(root: Path) -> None:
    corpus = loose(root, 2, 2)
    (root / "phone" / "leak.png").write_bytes((root / "set" / "real" / f"{NAMES[0]}.png").read_bytes())
    with pytest.raises(DataError, match="same photograph"):
        corpus.gather("train")


def test_unpaired_refuses_a_scene_in_two_splits(root: Path) -> None:
    corpus = loose(root, 2, 2, scene=SCENE)
    assert corpus.gather("train")
    save(root / "phone" / "cam9_toy_3.png")
    with pytest.raises(DataError, match=r"scene 'toy' are in train and in validation"):
        corpus.gather("train")


# the store


def couple(root: Path, name: str = "a", **sizes: int) -> Photograph:
    save(root / f"{name}_clean.png", **sizes)
    save(root / f"{name}_degraded.png", **sizes)
    return Photograph(name, root / f"{name}_clean.png", root / f"{name}_degraded.png")


def test_a_stored_pair_is_the_clean_image_and_the_degraded_one(tmp_path: Path) -> None:
    photographs = [couple(tmp_path, "a"), couple(tmp_path, "b", height=9, width=9)]
    store = PixelStore.open(photographs, tmp_path / "cache", 6)
    assert (store.channels, store.clean_channels, store.sizes) == (6, 3, ((12, 16), (9, 9)))
    for number, photograph in enumerate(photographs):
        both = np.concatenate([np.asarray(Image.open(path)) for path in photograph.files], axis=2)
        assert np.array_equal(store.view(number), both.transpose(2, 0, 1))
        assert torch.equal(store.image(number)[0], torch.from_numpy(both.transpose(2, 0, 1).copy()))


def test_grey_pairs_have_two_planes_and_a_deep_image_makes_both_deep(tmp_path: Path) -> None:
    clean = save(tmp_path / "clean.png", channels=1)
    degraded = save(tmp_path / "degraded.png", channels=1, dtype=np.uint16)
    store = PixelStore.open([Photograph("x", tmp_path / "clean.png", tmp_path / "degraded.png")], tmp_path / "cache", 2)
    assert (store.channels, store.clean_channels, store.bits) == (2, 1, 16)
    assert np.array_equal(store.view(0)[0], clean[..., 0].astype(np.uint16) * 257)
    assert np.array_equal(store.view(0)[1], degraded[..., 0])


def test_the_digest_names_both_files_and_a_changed_one_gives_another_store(tmp_path: Path) -> None:
    photograph = couple(tmp_path)
    cache = tmp_path / "cache"
    before = PixelStore.open([photograph], cache, 6).digest
    assert photograph.degraded is not None
    swapped = Photograph("a", photograph.degraded, photograph.path)
    assert PixelStore.open([swapped], cache, 6).digest != before
    clean_only = PixelStore.open([photograph], cache, 3)
    assert clean_only.digest == PixelStore.open([Photograph("a", photograph.path)], cache, 3).digest
    assert clean_only.channels == clean_only.clean_channels == 3
    pixels = save(photograph.degraded)
    after = PixelStore.open([photograph], cache, 6)
    assert after.digest != before
    assert np.array_equal(after.view(0)[3:], pixels.transpose(2, 0, 1))


def test_pairs_are_asked_of_photographs_that_are_none(tmp_path: Path) -> None:
    save(tmp_path / "x.png")
    with pytest.raises(DataError, match="has none beside it") as caught:
        PixelStore.open([Photograph("x", tmp_path / "x.png")], tmp_path / "cache", 6)
    assert "pairs or unpaired" in caught.value.remedy


def test_a_turned_counterpart_is_refused_when_it_is_decoded(tmp_path: Path) -> None:
    save(tmp_path / "clean.png", 12, 16)
    save(tmp_path / "degraded.png", 16, 12)
    photograph = Photograph("x", tmp_path / "clean.png", tmp_path / "degraded.png")
    with pytest.raises(DataError, match=r"has 16 x 12 pixels .* has 12 x 16"):
        PixelStore.open([photograph], tmp_path / "cache", 6)


def test_patches_are_cut_alike_and_scored_by_the_clean_image(tmp_path: Path) -> None:
    photograph = couple(tmp_path, height=24, width=24)
    index = PatchIndex.open(
        Gathered("x", (photograph,), ()), tmp_path / "cache", channels=6, size=8, stride=8, multiple_of=1, scores=frozenset({"std"})
    )
    patches = index.read(torch.arange(index.count))
    both = np.concatenate([np.asarray(Image.open(path)) for path in photograph.files], axis=2).transpose(2, 0, 1)
    assert np.array_equal(patches[4].numpy(), both[:, 8:16, 8:16])
    places = np.array([0, 8, 16])
    assert np.array_equal(index.scores("std"), patch_scores(np.ascontiguousarray(both[:3]), places, places, 8, "std").ravel())
