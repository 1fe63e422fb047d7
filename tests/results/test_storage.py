from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import fs

from raysearch.errors import PreflightError, RunExists, SpecError
from raysearch.results.folder import RunFolder
from raysearch.results.storage import Mirror, Storage, anything, fetch_run, is_result, run_files, trial_files

Make = Callable[[], Storage]


@pytest.fixture(params=["folder", "file uri", "subtree", "mock", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty storage of several kinds of file systems."""
    place = tmp_path / "copies of runs"
    match request.param:
        case "folder":
            return Storage.open(str(place))
        case "file uri":
            return Storage.open((tmp_path / "copies").as_uri())
        case "subtree":
            place.mkdir()
            return Storage(fs.SubTreeFileSystem(str(place), fs.LocalFileSystem()), "deep", "subtree://deep")
        case "s3":
            bucket = f"bucket-{uuid.uuid4().hex}"
            opened = Storage.open(f"s3://{bucket}/deep/runs{request.getfixturevalue('s3')}")
            opened.filesystem.create_dir(bucket)
            return opened
        case _:
            return Storage(fs._MockFileSystem(), "bucket/deep", "mock://bucket/deep")


def test_files_come_back_as_they_were(storage: Storage, tmp_path: Path) -> None:
    assert storage.files() == {}
    content = os.urandom(3 * 2**20 + 7)
    (tmp_path / "big").write_bytes(content)
    storage.put(tmp_path / "big", "a/b/big")
    storage.put_bytes(b"", "empty")
    storage.put_bytes(b"new", "empty")
    assert storage.files() == {"a/b/big": len(content), "empty": 3}
    storage.get("a/b/big", tmp_path / "back" / "big")
    assert (tmp_path / "back" / "big").read_bytes() == content
    assert storage.child("a", "b").read("big") == content
    storage.delete("a/b/big")
    storage.delete("a/b/big")
    assert storage.files() == {"empty": 3}
    with pytest.raises(FileNotFoundError):
        storage.read("a/b/big")


def test_only_what_has_changed_is_copied(storage: Storage, tmp_path: Path) -> None:
    trial = tmp_path / "0003"
    (trial / "checkpoints").mkdir(parents=True)
    (trial / "samples" / "x").mkdir(parents=True)
    (trial / "ray_train").mkdir()
    for name in ("config.json", "checkpoints/step_1.pt", "samples/x/a.png", ".config.json.12", "ray_train/junk"):
        (trial / name).write_text(name)
    (trial / "link").symlink_to(tmp_path)
    mirror = Mirror(trial, storage)
    assert mirror.push_trial() == 3
    assert set(storage.files()) == {"config.json", "checkpoints/step_1.pt", "samples/x/a.png"}
    assert mirror.push_trial() == 0
    (trial / "checkpoints/step_2.pt").write_text("2")
    (trial / "checkpoints/step_1.pt").unlink()
    (trial / "config.json").write_text("changed")
    assert mirror.push_trial() == 2
    assert set(storage.files()) == {"config.json", "checkpoints/step_2.pt", "samples/x/a.png"}, "as the disk has it"
    assert storage.read("config.json") == b"changed"


def test_another_machine_fetches_what_it_lacks_and_goes_on(storage: Storage, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "checkpoints").mkdir(parents=True)
    (here / "checkpoints" / "step_1.pt").write_text("1")
    (here / "config.json").write_text("{}")
    Mirror(here, storage).push_trial()
    (there / "checkpoints").mkdir(parents=True)
    (there / "config.json").write_text("{mine}")
    mirror = Mirror(there, storage)
    assert mirror.pull(anything) == 1
    assert (there / "checkpoints" / "step_1.pt").read_text() == "1"
    assert (there / "config.json").read_text() == "{mine}", "nothing on the disk is replaced"
    (there / "checkpoints" / "step_1.pt").unlink()
    (there / "checkpoints" / "step_2.pt").write_text("2")
    mirror.push_trial()
    assert sorted(storage.files()) == ["checkpoints/step_2.pt", "config.json"]
    third = Mirror(tmp_path / "third", storage)
    assert third.pull(is_result) == 1
    assert trial_files(tmp_path / "third") == ["config.json"]
    third.push_trial()
    assert "checkpoints/step_2.pt" in storage.files(), "what this copy has not sent is not deleted"


def test_a_run_is_fetched_without_checkpoints(storage: Storage, tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "runs", "r")
    folder.write_study("name: r\n", {"name": "r"})
    folder.write_environment({})
    folder.journal.write_bytes(b"")
    folder.tables.mkdir()
    (folder.tables / "trials.csv").write_text("a")
    folder.lock_file.write_text("{}")
    mirror = Mirror(folder.path, storage)
    names = run_files(folder.path)
    assert names[-1] == "journal.jsonl"
    assert mirror.push(names) == 5
    for name in ("trials/0000/images.parquet", "trials/0000/checkpoints/step_1.pt", "trials/0000/samples/a.png", "LOCK", "evil.py"):
        storage.put_bytes(b"x", name)
    target = RunFolder.create(tmp_path / "elsewhere", "r")
    fetch_run(storage, target.path)
    found = sorted(path.relative_to(target.path).as_posix() for path in target.path.rglob("*") if path.is_file())
    trial = ["trials/0000/images.parquet", "trials/0000/samples/a.png"]
    assert found == ["env.json", "journal.jsonl", "resolved.yaml", "space.yaml", "tables/trials.csv", *trial]
    with pytest.raises(PreflightError, match="holds no run"):
        fetch_run(storage.child("other"), RunFolder.create(tmp_path / "elsewhere", "s").path)


def test_names_that_lead_out_of_the_folder_are_passed_over(tmp_path: Path) -> None:
    class Hostile:
        """A store that lists whatever somebody put there."""

        def get_file_info(self, selector: object) -> list[fs.FileInfo]:
            names = ("../evil", "a/../../evil", "/etc/passwd", "a//b", "fine", "unfinished.part")
            return [fs.FileInfo(f"base/{name}", fs.FileType.File, size=1) for name in names]

    assert Storage(Hostile(), "base", "evil://base").files() == {"fine": 1}


@pytest.mark.parametrize("uri", ["nosuch://bucket/a", "s3://", "http://example.org/x"])
def test_what_is_no_storage_is_said(uri: str) -> None:
    with pytest.raises(SpecError, match="names no storage"):
        Storage.open(uri)


def test_options_of_a_uri_stay_behind_the_names() -> None:
    found = Storage.open("s3://bucket/a?region=eu-west-1").child("run", "trials")
    assert found.uri == "s3://bucket/a/run/trials?region=eu-west-1"
    assert found.base == "bucket/a/run/trials"


def test_runs_of_the_same_name_are_not_mixed(tmp_path: Path) -> None:
    from raysearch.cli.driving import fetched

    RunFolder.create(tmp_path / "runs", "r")
    with pytest.raises(RunExists):
        fetched("r", str(tmp_path / "copies"), tmp_path / "runs")
    with pytest.raises(PreflightError):
        fetched("s", str(tmp_path / "copies"), tmp_path / "runs")
    assert not (tmp_path / "runs" / "s").exists()
