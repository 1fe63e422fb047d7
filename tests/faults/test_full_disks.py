"""What becomes of runs when a disk is full or refuses: under a trial, the journal or the report; rows 5 and 12, without Ray."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from invariants import check_complete, check_nothing_lost, check_released, check_report
from small_study import study

from raysearch.errors import StorageError
from raysearch.results.folder import RunFolder
from raysearch.results.run import open_run
from raysearch.search.driver import resume_study, run_study
from raysearch.search.options import DriverOptions
from raysearch.search.progress import NoProgress

pytestmark = pytest.mark.usefixtures("dry")

NewRun = Callable[..., RunFolder]
Options = Callable[..., DriverOptions]


class Listener(NoProgress):
    """Keeps what a study waits for."""

    def __init__(self) -> None:
        self.troubles: list[str] = []

    def on_trouble(self, text: str) -> None:
        self.troubles.append(text)


def test_a_full_disk_in_a_trial_stops_the_run_with_place_and_reason(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 3}, faults={"storage_minutes": 0.01})
    folder = new_run(spec)
    with pytest.raises(StorageError, match="No space left") as caught:
        run_study(spec, folder, options("faulty_fit:on_a_full_disk"))
    assert caught.value.place == str(folder.trial(1))
    assert "asked again" in (folder.trial(1) / "log.txt").read_text(), "it had patience"
    before = open_run(folder.path)
    assert [trial.status for trial in before.trials] == ["finished", None]
    (folder.trial(1) / "died").touch()
    (folder.path / "room").touch()
    assert resume_study(folder, options("faulty_fit:on_a_full_disk")).exit_code == 0
    check_nothing_lost(folder, before)
    check_complete(folder)


def test_a_failing_disk_under_a_trial_is_no_trials_fault(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 3}, faults={"storage_minutes": 0})
    folder = new_run(spec)
    (folder.path / "room").touch()
    assert run_study(spec, folder, options("faulty_fit:on_a_full_disk")).exit_code == 0
    other = new_run(spec, "other")
    (other.trial(1)).mkdir()
    with pytest.raises(StorageError):
        run_study(spec, other, options("faulty_fit:on_a_full_disk"))
    assert [trial.status for trial in open_run(other.path).trials] == ["finished", None]


class Disk:
    """A disk under the journal that refuses some writes, as `os.write`."""

    def __init__(self, refusals: int, error: int, whole: bool = False) -> None:
        self.left = refusals
        self.error = error
        self.whole = whole
        self.real = os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self.left > 0 and b'"event":"trial_reported"' in data:
            self.left -= 1
            self.real(descriptor, data if self.whole else data[: len(data) // 2])
            raise OSError(self.error, os.strerror(self.error))
        return self.real(descriptor, data)


@pytest.mark.parametrize("whole", [False, True], ids=["half a record", "a record whose fsync failed"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.ESTALE])
def test_the_study_waits_for_the_journals_disk(
    new_run: NewRun, options: Options, monkeypatch: pytest.MonkeyPatch, error: int, whole: bool
) -> None:
    spec, listener = study(budget={"trials": 2}), Listener()
    folder = new_run(spec)
    monkeypatch.setattr("raysearch.train.patience._FIRST_S", 0.01)
    monkeypatch.setattr(os, "write", Disk(3, error, whole))
    assert run_study(spec, folder, options(progress=listener)).exit_code == 0
    assert len(listener.troubles) == 3
    assert str(folder.journal) in listener.troubles[0]
    assert "bytes" in listener.troubles[0]
    check_nothing_lost(folder)
    check_complete(folder)


def test_a_journal_that_stays_full_stops_the_run_which_goes_on_later(
    new_run: NewRun, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = study(budget={"trials": 3}, faults={"storage_minutes": 0})
    folder = new_run(spec)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", Disk(10**9, errno.ENOSPC))
        with pytest.raises(StorageError, match="No space left") as caught:
            run_study(spec, folder, options())
    assert caught.value.exit_code == 3
    assert caught.value.place == str(folder.journal)
    assert f"resume {folder.path}" in caught.value.remedy
    before = open_run(folder.path)
    check_released(folder)
    check_report(folder, folder.report)
    assert resume_study(folder, options()).exit_code == 0
    check_nothing_lost(folder, before)
    check_complete(folder)


def test_a_file_size_limit_is_a_full_disk(new_run: NewRun, options: Options) -> None:
    """The kernel's own refusal: no file may grow beyond 6,000 bytes, and the journal wants to."""
    spec = study(budget={"trials": 6}, faults={"storage_minutes": 0})
    folder = new_run(spec)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, hard))
    try:
        with pytest.raises(StorageError, match="can't be written to the journal"):
            run_study(spec, folder, options())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    before = open_run(folder.path)
    assert folder.journal.stat().st_size <= 6000
    assert resume_study(folder, options()).exit_code == 0
    check_nothing_lost(folder, before)
    check_complete(folder)


def test_a_report_on_a_full_disk_says_so_and_leaves_the_old_one(new_run: NewRun, options: Options, tmp_path: Path) -> None:
    spec = study(budget={"trials": 1})
    folder = new_run(spec)
    run_study(spec, folder, options())
    check_report(folder, folder.report)
    old = folder.report.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(StorageError, match=r"can't take \d+ bytes") as caught:
            check_report(folder, folder.report)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.place == str(folder.report)
    assert folder.report.read_bytes() == old
    assert not list(folder.path.glob(".report*"))
