from __future__ import annotations

import os
from pathlib import Path

import pytest
from run_story import SPEC

from raysearch.errors import RaysearchError, RunExists, RunLocked, SpecError, StorageError
from raysearch.results.folder import RunFolder, list_runs
from raysearch.results.yaml_text import to_yaml
from raysearch.spec import yaml
from raysearch.train.atomic import write_atomically


def started_run(root: Path, name: str, time: float = 0.0) -> RunFolder:
    folder = RunFolder.create(root, name)
    folder.journal.touch()
    os.utime(folder.journal, (time, time))
    return folder


def test_the_layout(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "runs", "first")
    assert folder.path == tmp_path / "runs" / "first"
    places = [folder.space, folder.resolved, folder.environment, folder.journal, folder.lock_file, folder.trials, folder.report]
    names = ["space.yaml", "resolved.yaml", "env.json", "journal.jsonl", "LOCK", "trials", "report.html"]
    assert [path.relative_to(folder.path).as_posix() for path in places] == names
    assert folder.trial(7) == folder.trials / "0007"
    assert folder.trial(12345) == folder.trials / "12345"


def test_a_taken_name_is_refused_or_numbered(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, "a")
    with pytest.raises(RunExists) as caught:
        RunFolder.create(tmp_path, "a")
    assert caught.value.exit_code == 6
    assert "resume" in caught.value.remedy
    assert [RunFolder.create(tmp_path, "a", if_exists="new").name for _ in range(3)] == ["a-2", "a-3", "a-4"]
    long = "x" * 64
    RunFolder.create(tmp_path, long)
    assert RunFolder.create(tmp_path, long, if_exists="new").name == "x" * 62 + "-2"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "-rf", "a b", "ä", "x" * 65, "a\n", "@last"])
def test_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError, match="can't name a run"):
        RunFolder.create(tmp_path / "runs", name)
    assert not (tmp_path / "runs").exists()


def test_a_run_is_found_by_name_path_and_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "runs"
    for name, time in (("old", 10.0), ("newest", 30.0), ("new", 20.0)):
        started_run(root, name, time)
    assert RunFolder.open("old", root).path == root / "old"
    assert RunFolder.open(str(root / "new"), tmp_path / "elsewhere").name == "new"
    assert RunFolder.open("@last", root).name == "newest"
    monkeypatch.chdir(root / "old")
    assert RunFolder.open(".", tmp_path / "elsewhere").name == "old"
    assert [folder.name for folder in list_runs(root)] == ["new", "newest", "old"]


def test_a_run_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    started_run(tmp_path, "patchnet")
    (tmp_path / "no_run").mkdir()
    with pytest.raises(SpecError, match="did you mean 'patchnet'"):
        RunFolder.open("pachnet", tmp_path)
    with pytest.raises(SpecError):
        RunFolder.open("no_run", tmp_path)
    with pytest.raises(SpecError, match="no run yet"):
        RunFolder.open("@last", tmp_path / "nothing")
    assert list_runs(tmp_path / "nothing") == ()


def test_the_lock_keeps_two_drivers_apart(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "a")
    assert folder.holder() is None
    with folder.lock(1.0):
        assert folder.holder() is not None
        with pytest.raises(RunLocked):
            folder.lock(2.0)
    assert folder.holder() is None


def test_the_study_comes_back_equal(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "a")
    text = "# ß \u2028\r\nname: x\n"
    folder.write_study(text, SPEC)
    assert folder.space.read_bytes() == text.encode()
    assert yaml.read(folder.resolved).data == SPEC


PLAIN: list[object] = [
    {},
    [],
    {"a": {}, "b": [], "c": [[], {}]},
    {"yes": "no", "null": "null", "1": "1e-4", "a b": "- x", "": "", "12:30": "12:30"},
    {"f": [1e-5, 1e300, -0.0, 1.0, 0.1], "i": [0, -1, 2**63 - 1], "n": [None, True, False]},
    {"nested": [{"kind": "uniform"}, {"kind": "gradient", "deep": [[1, [2]], {"x": [{"y": 1}]}]}]},
    {"text": "\x00\x07\t\n\r\x7f\x85\u2028\ufeff\ud7ff \U0001f600 \U000e0001 \"'\\ #: {}[]&*!|>%@`"},
    {"long": ["word " * 40] * 3, "longer": "y" * 5000},
    "alone",
    3,
    None,
]


@pytest.mark.parametrize("data", PLAIN, ids=range(len(PLAIN)))
def test_yaml_reads_back_equal(data: object) -> None:
    back = yaml.parse(to_yaml(data)).data
    assert back == data
    assert repr(back) == repr(data), "the types too"


@pytest.mark.parametrize("data", [{"a": float("nan")}, {"a": [float("inf")]}, {1: 2}, {"a": object()}, {"a": b"x"}])
def test_yaml_refuses_what_it_can_not_give_back(data: object) -> None:
    with pytest.raises(RaysearchError, match="can't be written as YAML"):
        to_yaml(data)


def test_writing_a_whole_file_leaves_the_old_one_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="can't take 3 bytes: No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
