"""Disks that are gone for a while or for good, and slow ones (row 12); checkpoints that can't be used (row 7). Without Ray."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dry import Fuse, Killed
from invariants import check_complete, check_nothing_lost, check_report, check_same_result
from PIL import Image
from small_study import TRIAL, study

from raysearch.errors import StorageError
from raysearch.results.events import Event, TrialReported
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal
from raysearch.results.record import RunRecord
from raysearch.results.run import open_run
from raysearch.search.driver import resume_study, run_study
from raysearch.search.job import DEFAULT_FIT
from raysearch.search.options import DriverOptions
from raysearch.search.progress import NoProgress
from raysearch.search.study import StudySpec
from raysearch.train.checkpoint import files
from raysearch.train.files import CHECKPOINTS

pytestmark = pytest.mark.usefixtures("dry")

NewRun = Callable[..., RunFolder]
Options = Callable[..., DriverOptions]


class Takes(NoProgress):
    """Takes the run's folder away in the middle of a trial, and brings it back after a while, or never."""

    def __init__(self, folder: RunFolder, seconds: float | None) -> None:
        self.folder = folder
        self.away = folder.path.with_name("away")
        self.seconds = seconds

    def on_event(self, event: Event, summary: Any) -> None:
        if isinstance(event, TrialReported) and (event.trial, event.step) == (1, 20):
            self.folder.path.rename(self.away)
            if self.seconds is not None:
                threading.Timer(self.seconds, self.bring).start()

    def bring(self) -> None:
        self.away.rename(self.folder.path)


def test_a_trial_waits_for_a_folder_that_is_gone_for_a_while(
    new_run: NewRun, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raysearch.train.patience._FIRST_S", 0.05)
    spec = study(budget={"trials": 3})
    folder = new_run(spec)
    assert run_study(spec, folder, options("faulty_fit:careful", progress=Takes(folder, 0.3))).exit_code == 0
    run = check_nothing_lost(folder)
    check_complete(folder)
    assert [trial.causes for trial in run.trials] == [(), (), ()], "no trial's process was lost"
    assert "asked again" in (folder.trial(1) / "log.txt").read_text()
    check_report(folder, folder.report)


def test_what_is_gone_for_good_stops_the_run_and_is_not_made_anew(new_run: NewRun, options: Options) -> None:
    """A folder in the place of a disk that is gone would hide half of the run when the disk is back."""
    spec = study(budget={"trials": 3}, faults={"storage_minutes": 0.01})
    folder = new_run(spec)
    takes = Takes(folder, None)
    with pytest.raises(StorageError) as caught:
        run_study(spec, folder, options("faulty_fit:careful", progress=takes))
    assert (caught.value.exit_code, caught.value.place) == (3, str(folder.trial(1) / "fake.json"))
    assert not folder.path.exists()
    takes.bring()
    before = open_run(folder.path)
    assert [trial.status for trial in before.trials] == ["finished", None]
    folder.lock_file.unlink()  # the driver could not; its process, which lives on here, is gone elsewhere
    assert resume_study(folder, options("faulty_fit:careful")).exit_code == 0
    check_nothing_lost(folder, before)
    check_complete(folder)


def test_a_slow_disk_delays_and_changes_nothing(new_run: NewRun, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = study(budget={"trials": 2}, faults={"stall_minutes": 0.01})
    folder, slow = new_run(spec), [0.8, 0.8]
    monkeypatch.setattr(os, "fsync", lambda descriptor: time.sleep(slow.pop() if slow else 0.0))
    assert run_study(spec, folder, options()).exit_code == 0
    run = check_nothing_lost(folder)
    check_complete(folder)
    assert [trial.causes for trial in run.trials] == [(), ()], "waiting for the journal is no stall"


def trained(root: Path, width: int = 4) -> StudySpec:
    """A study of one real training with reports, and checkpoints, at steps 2, 4, 6 and 8."""
    draw = np.random.default_rng(0)
    for split in ("train", "validation", "test"):
        (root / split).mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(root / split / "0.png")
    sets = {split: [str(root / split)] for split in ("train", "validation")}
    trial = {
        **TRIAL,
        "data": {"kind": "folder", **sets, "test": {"far": [str(root / "test")]}},
        "patch": {"size": 16},
        "model": {"kind": "dncnn", "depth": 3, "width": width},
        "steps": 8,
        "batch": 2,
        "evaluate": {"every": 2},
    }
    return study(lrs=(0.002,), trial=trial, max_retries=0)


@pytest.fixture
def interrupted(new_run: NewRun, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[RunFolder, RunRecord]:
    """A run whose driver was killed behind the third report, and the same run undisturbed."""
    spec = trained(tmp_path / "photographs")
    undisturbed, folder = new_run(spec, "undisturbed"), new_run(spec)
    assert run_study(spec, undisturbed, options(DEFAULT_FIT)).exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", Fuse(lambda event: isinstance(event, TrialReported) and event.step == 6, "after"))
        with pytest.raises(Killed):
            run_study(spec, folder, options(DEFAULT_FIT))
    return folder, open_run(undisturbed.path)


def truncated(newest: Path, another: Callable[[], Path]) -> None:
    newest.write_bytes(newest.read_bytes()[:-100])


def garbled(newest: Path, another: Callable[[], Path]) -> None:
    newest.write_bytes(newest.read_bytes()[:1000] + bytes(1000) + newest.read_bytes()[2000:])


def missing(newest: Path, another: Callable[[], Path]) -> None:
    newest.unlink()


def all_missing(newest: Path, another: Callable[[], Path]) -> None:
    shutil.rmtree(newest.parent)


def of_another_network(newest: Path, another: Callable[[], Path]) -> None:
    shutil.copyfile(another(), newest)


@pytest.mark.filterwarnings("always::raysearch.train.checkpoint.CheckpointWarning")
@pytest.mark.parametrize("damage", [truncated, garbled, missing, all_missing, of_another_network])
def test_a_checkpoint_that_can_not_be_used_costs_time_only(
    interrupted: tuple[RunFolder, RunRecord],
    new_run: NewRun,
    options: Options,
    tmp_path: Path,
    damage: Callable[[Path, Callable[[], Path]], None],
) -> None:
    def another() -> Path:
        spec = trained(tmp_path / "photographs", width=6)
        folder = new_run(spec, "another")
        run_study(spec, folder, options(DEFAULT_FIT))
        return files(folder.trial(0) / CHECKPOINTS)[0]

    folder, undisturbed = interrupted
    before = open_run(folder.path)
    damage(files(folder.trial(0) / CHECKPOINTS)[0], another)
    assert resume_study(folder, options(DEFAULT_FIT)).exit_code == 0
    refused = "an older checkpoint is used if there is one" in (folder.trial(0) / "log.txt").read_text()
    assert refused == (damage not in (missing, all_missing))
    run = open_run(folder.path)
    assert run.trials[0].reports[:3] == before.trials[0].reports
    check_same_result(run, undisturbed)
    check_report(folder, folder.report)
