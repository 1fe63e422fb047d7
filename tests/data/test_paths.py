from __future__ import annotations

from pathlib import Path

import pytest

from raysearch.component import Config
from raysearch.data.paths import AbsolutePath


class Holder(Config):
    path: AbsolutePath


def test_relative_paths_are_resolved_when_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    holder = Holder.parse({"path": "a/../b"})
    monkeypatch.chdir("/")
    assert holder.path == tmp_path / "b"
    assert holder.model_dump(mode="json") == {"path": str(tmp_path / "b")}
    assert Holder.parse(holder.model_dump(mode="json")) == holder


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Holder(path=Path("~/photos")).path == Path("/home/somebody/photos")
