"""Cached files: built once, trusted when intact, built anew when not."""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
from pathlib import Path

import pytest

from raysearch.data.sealed import cached, digest_of, read_facts


class Builder:
    def __init__(self, content: bytes = b"pixels") -> None:
        self.content = content
        self.calls = 0

    def __call__(self, draft: Path) -> dict[str, object]:
        self.calls += 1
        draft.write_bytes(self.content)
        return {"length": len(self.content), "pair": (1, 2)}


def test_built_once_and_facts_are_remembered(tmp_path: Path) -> None:
    build = Builder()
    first = cached(tmp_path / "deep" / "a.bin", build)
    assert first == cached(tmp_path / "deep" / "a.bin", build) == {"length": 6, "pair": [1, 2]}
    assert build.calls == 1
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["a.bin", "a.bin.json", "a.bin.lock"]


def damage_truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def damage_altered(path: Path) -> None:
    path.write_bytes(b"Pixels")


def damage_label(path: Path) -> None:
    label = path.with_name(f"{path.name}.json")
    data = json.loads(label.read_text())
    data["facts"]["length"] = 7
    label.write_text(json.dumps(data))


def damage_torn_label(path: Path) -> None:
    label = path.with_name(f"{path.name}.json")
    label.write_text(label.read_text()[:20])


def damage_no_label(path: Path) -> None:
    path.with_name(f"{path.name}.json").unlink()


def damage_no_file(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "damage", [damage_truncated, damage_altered, damage_label, damage_torn_label, damage_no_label, damage_no_file]
)
def test_damage_is_seen_and_repaired(tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture) -> None:
    path, build = tmp_path / "a.bin", Builder()
    cached(path, build)
    damage(path)
    assert read_facts(path) is None
    with caplog.at_level(logging.WARNING):
        assert cached(path, build)["length"] == 6
    assert build.calls == 2
    assert path.read_bytes() == b"pixels"
    assert ("built anew" in caplog.text) == (damage is not damage_no_file)


def test_a_copy_with_another_time_is_trusted_by_its_content(tmp_path: Path) -> None:
    build = Builder()
    cached(tmp_path / "one" / "a.bin", build)
    shutil.copytree(tmp_path / "one", tmp_path / "two", copy_function=shutil.copyfile)
    os.utime(tmp_path / "two" / "a.bin", ns=(1, 1))
    assert cached(tmp_path / "two" / "a.bin", build)["length"] == 6
    assert build.calls == 1


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def build(draft: Path) -> dict[str, object]:
        draft.write_bytes(b"half")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        cached(tmp_path / "a.bin", build)
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin.lock"]
    assert cached(tmp_path / "a.bin", Builder())["length"] == 6


def test_concurrent_callers_build_once(tmp_path: Path) -> None:
    inside, release = threading.Event(), threading.Event()
    build = Builder()

    def slow(draft: Path) -> dict[str, object]:
        inside.set()
        release.wait(10)
        return build(draft)

    threads = [threading.Thread(target=cached, args=(tmp_path / "a.bin", slow)) for _ in range(3)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    release.set()
    for thread in threads:
        thread.join(20)
    assert build.calls == 1


def test_digest_ignores_the_order_of_keys() -> None:
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1}) != digest_of({"a": 1, "b": [3]})
