"""Mixing corpora: names, repeats, and what of one split must not be in another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from raysearch.component import find
from raysearch.data.base import Photograph
from raysearch.data.corpora._bsd import CBSD68
from raysearch.data.corpora.mix import Config
from raysearch.data.index import PatchIndex
from raysearch.data.lookalikes import lookalikes
from raysearch.errors import DataError, NoSuchSplit


def quiet(what: str, done: int, total: int) -> None:
    assert done <= total, what


def picture(seed: int, width: int = 96, height: int = 64) -> Image.Image:
    """Soft blobs of colour: like a photograph, and unlike any other seed's."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def folder(path: Path, *seeds: int, width: int = 96, height: int = 64) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        picture(seed, width, height).save(path / f"p{seed}.png")
    return path


def mix(**settings: object) -> Config:
    config = find("raysearch.data.corpora", "mix").parse({"kind": "mix", **settings})
    assert isinstance(config, Config)
    return config


def of(path: Path, hold_out: int = 1) -> dict[str, object]:
    return {"kind": "folder", "train": str(path), "hold_out": hold_out}


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Path]:
    return {
        "a": folder(tmp_path / "a", 1, 2, 3),
        "b": folder(tmp_path / "b", 4, 5, 6, 7),
        "v": folder(tmp_path / "v", 8, 9, 10),
        "t": folder(tmp_path / "t", 11, 12),
    }


def only_tests(path: Path) -> dict[str, object]:
    return {"kind": "folder", "test": {path.name: str(path)}}


def test_photographs_of_several_corpora_are_named_after_them(parts: dict[str, Path]) -> None:
    config = mix(train=[of(parts["a"]), of(parts["b"], 2)], test=[only_tests(parts["t"])])
    (train,), (validation,), tests = (config.gather(split) for split in ("train", "validation", "test"))
    assert train.dataset == validation.dataset == "a+b"
    assert [p.name for p in train.photographs] == ["a/p1", "a/p3", "b/p4", "b/p6"]
    assert [p.name for p in validation.photographs] == ["a/p2", "b/p5", "b/p7"]
    assert [(one.dataset, len(one.photographs)) for one in tests] == [("t", 2)]


def test_validation_may_come_from_elsewhere(parts: dict[str, Path]) -> None:
    config = mix(train=[of(parts["a"])], validation=of(parts["v"], 2))
    assert config.gather("train")[0].dataset == "a"
    assert [p.name for p in config.gather("validation")[0].photographs] == ["p10", "p9"]
    with pytest.raises(NoSuchSplit, match="no test set is named"):
        config.gather("test")


def test_repeated_patches_count_as_often_in_the_index(parts: dict[str, Path], tmp_path: Path) -> None:
    sizes = {}
    for repeat in (1, 3):
        (train,) = mix(train=[{"corpus": of(parts["a"]), "repeat": repeat}, of(parts["b"])]).gather("train")
        index = PatchIndex.open(
            train, tmp_path / "cache", channels=3, size=32, stride=32, multiple_of=1, scores=frozenset({"gradient"})
        )
        image, y, x = index.locate(torch.arange(index.count))
        sizes[repeat] = {name: int((image == number).sum()) for number, name in enumerate(index.names)}
        assert len(index.scores("gradient")) == index.count
        first = [(int(a), int(b)) for i, a, b in zip(image, y, x, strict=True) if i == 0]
        assert first == first[:6] * repeat
    assert sizes[1] == {"a/p1": 6, "a/p3": 6, "b/p4": 6, "b/p5": 6, "b/p7": 6}
    assert sizes[3] == {"a/p1": 18, "a/p3": 18, "b/p4": 6, "b/p5": 6, "b/p7": 6}
    assert len(list((tmp_path / "cache" / "pixels").glob("*.pixels"))) == 1, "repeating decodes nothing anew"


def test_two_sets_of_one_name_are_refused(parts: dict[str, Path]) -> None:
    with pytest.raises(DataError, match="two sets are called 'a'"):
        mix(train=[of(parts["a"]), of(parts["a"])]).gather("train")


def test_the_same_file_in_two_corpora_is_a_leak_unless_allowed(parts: dict[str, Path]) -> None:
    (parts["t"] / "renamed.png").write_bytes((parts["a"] / "p1.png").read_bytes())
    settings = {"train": [of(parts["a"])], "test": [only_tests(parts["t"])]}
    for split in ("train", "validation", "test"):
        with pytest.raises(DataError, match="the same photograph is in train"):
            mix(**settings).gather(split)
    assert mix(**settings, leaks="allow").gather("train")


@pytest.mark.parametrize("tested", ["cbsd68", "bsd68"])
def test_berkeleys_test_photographs_are_known_by_their_numbers(tested: str, tmp_path: Path) -> None:
    train, test = tmp_path / "train", tmp_path / "test"
    train.mkdir()
    test.mkdir()
    for number, name in enumerate(CBSD68):
        Image.new("L", (481, 321), number).save(test / (f"{name}.png" if tested == "cbsd68" else f"test{number:03}.png"))
    for name in ("100007", "101085", "100075"):
        Image.new("RGB", (481, 321), (int(name) % 251, 3, 4)).save(train / f"{name}.jpg")
    settings = {"train": [of(train)], "test": [{"kind": tested, "root": str(test)}]}
    with pytest.raises(DataError, match=r"101085 of validation is number 101085 of Berkeley's test|of train is number 101085"):
        mix(**settings).gather("train")
    assert mix(**settings, leaks="allow").gather("train")
    (train / "101085.jpg").unlink()
    Image.new("RGB", (400, 300)).save(train / "101085.jpg")  # another photograph of that name
    assert mix(**settings).gather("train")


ALTERED = {
    "grey": lambda image: image.convert("L"),
    "smaller": lambda image: image.resize((48, 32), Image.Resampling.BICUBIC),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirrored and cut": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((0, 0, 95, 63)),
}


@pytest.mark.parametrize("altered", ALTERED)
def test_a_copy_that_looks_alike_is_found_before_a_study(altered: str, parts: dict[str, Path], tmp_path: Path) -> None:
    settings = {"train": [of(parts["a"])], "validation": of(parts["v"]), "test": [only_tests(parts["t"])]}
    mix(**settings).verify(tmp_path / "cache", quiet)
    ALTERED[altered](picture(1)).save(parts["t"] / "other.jpg", quality=60)
    config = mix(**settings)
    config.gather("train")
    with pytest.raises(DataError, match=r"a photograph of train \(.*p1\.png\) looks like one of test \(.*other\.jpg\)"):
        config.verify(tmp_path / "cache", quiet)
    mix(**settings, leaks="allow").verify(tmp_path / "cache", quiet)


def test_different_and_flat_pictures_are_not_alike(tmp_path: Path) -> None:
    folder(tmp_path, *range(40))
    Image.new("RGB", (64, 64), (9, 9, 9)).save(tmp_path / "flat.png")
    photographs = [Photograph(path.stem, path) for path in sorted(tmp_path.iterdir())]
    found = lookalikes(photographs, photographs, tmp_path / "cache", quiet)
    assert {(pair.first.name, pair.second.name) for pair in found} == {(p.name, p.name) for p in photographs if p.name != "flat"}
    assert all(pair.likeness == pytest.approx(1) for pair in found)


@pytest.mark.parametrize(
    "settings",
    [
        {"train": []},
        {"train": [{"corpus": "photos", "repeat": 0}]},
        {"train": [{"kind": "nothing"}]},
        {"train": ["photos"], "test": "photos"},
    ],
    ids=str,
)
def test_mistakes_are_refused_when_parsed(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        mix(**settings)


def test_photos_in_a_mix_survive_json() -> None:
    config = mix(train=["photos"], test=["photos"])
    assert Config.parse(config.model_dump(mode="json")) == config
    assert [one.dataset for one in config.gather("test")] == ["photos"]
