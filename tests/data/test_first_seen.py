"""The content of a published set is remembered; its digest is the one that sha256sum, cut and sort give."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from published_layouts import LAYOUTS, SHRUNK

from raysearch.component import find
from raysearch.data.base import CorpusConfig
from raysearch.data.first_seen import content_digest, present
from raysearch.errors import DataError, StateDamaged


@pytest.fixture
def wed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CorpusConfig:
    monkeypatch.setattr("raysearch.data.corpora.wed.Config.published", SHRUNK["wed"]["Config.published"])
    config = find("raysearch.data.corpora", "wed").parse({"kind": "wed", **LAYOUTS["wed"](tmp_path / "wed")})
    assert isinstance(config, CorpusConfig)
    return config


def quiet(what: str, done: int, total: int) -> None:
    assert done <= total, what


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs coreutils")
def test_the_digest_is_what_the_shell_gives(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("b", "a", "c d")]
    for number, file in enumerate(files):
        file.write_text(f"content {number}")
    command = f"sha256sum '{tmp_path}'/* | cut -c 1-64 | LC_ALL=C sort | sha256sum"
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert content_digest(files, tmp_path / "cache") == said.split()[0]
    assert content_digest(files[::-1], tmp_path / "cache") == said.split()[0]


def test_a_set_that_changed_is_refused_until_the_change_is_accepted(wed: CorpusConfig, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    wed.verify(cache, quiet)
    wed.verify(cache, quiet)
    path = wed.gather("train")[0].photographs[0].path
    Image.new("RGB", (9, 9)).save(path)
    with pytest.raises(DataError, match="train/wed: the photographs are not those that were first seen") as caught:
        wed.verify(cache, quiet)
    Path(caught.value.place).unlink()
    wed.verify(cache, quiet)


def test_another_cache_and_other_settings_remember_for_themselves(wed: CorpusConfig, tmp_path: Path) -> None:
    wed.verify(tmp_path / "one", quiet)
    wed.model_copy(update={"validation": 2}).verify(tmp_path / "one", quiet)
    wed.verify(tmp_path / "two", quiet)
    assert len(list((tmp_path / "one" / "first_seen").iterdir())) == 2


def test_a_damaged_record_is_told(wed: CorpusConfig, tmp_path: Path) -> None:
    wed.verify(tmp_path / "cache", quiet)
    (record,) = (tmp_path / "cache" / "first_seen").iterdir()
    record.write_text("{")
    with pytest.raises(StateDamaged, match="can't be read"):
        wed.verify(tmp_path / "cache", quiet)


def test_only_the_splits_that_there_are_are_listed(wed: CorpusConfig) -> None:
    assert [(split, one.dataset, len(one.photographs)) for split, one in present(wed)] == [
        ("train", "wed", 9),
        ("validation", "wed", 3),
    ]
