"""Copies of a run while it runs: the lock, the journal at intervals, trials on machines without a shared disk. No Ray."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_fit
import pytest
import torch
from small_study import study

from raysearch.errors import PreflightError, RunLocked
from raysearch.results.folder import RunFolder
from raysearch.results.lock import RunLock, print_holder
from raysearch.results.process import ProcessIdentity
from raysearch.results.storage import Storage
from raysearch.search import remote
from raysearch.search.job import Ended, Job, Message, Reported
from raysearch.search.remote import mirrored, take_over, with_copies
from raysearch.search.trainable import run_job
from raysearch.train.world import SingleWorld


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder.create(tmp_path / "runs", "r")
    run.write_study("", {"name": "r"})
    run.write_environment({})
    return run


def copies(tmp_path: Path) -> Storage:
    return Storage.open(str(tmp_path / "copies")).child("r")


def test_the_journal_is_copied_while_it_grows_and_at_the_end(folder: RunFolder, tmp_path: Path) -> None:
    with folder.lock(0.0) as lock, mirrored(folder, str(tmp_path / "copies"), lock, 0.01) as storage:
        assert storage == copies(tmp_path)
        assert "LOCK" in storage.files()
        folder.journal.write_bytes(b"one\n")
        end = time.monotonic() + 10
        while storage.files().get("journal.jsonl") != 4:
            assert time.monotonic() < end
            time.sleep(0.01)
        folder.journal.write_bytes(b"one\ntwo\n")
    assert sorted(copies(tmp_path).files()) == ["env.json", "journal.jsonl", "resolved.yaml", "space.yaml"]
    assert copies(tmp_path).read("journal.jsonl") == b"one\ntwo\n"


def test_without_a_storage_nothing_happens(folder: RunFolder) -> None:
    with folder.lock(0.0) as lock, mirrored(folder, None, lock) as storage:
        assert storage is None


def test_a_driver_elsewhere_keeps_others_away(folder: RunFolder, tmp_path: Path) -> None:
    mine = RunLock.take(folder.lock_file, 0.0)
    elsewhere = ProcessIdentity(pid=1, host="far", machine="m", boot="b", namespace="", born="1")
    copies(tmp_path).put_bytes(print_holder(replace(mine.holder, process=elsewhere)), "LOCK")
    with (
        pytest.raises(RunLocked, match="process 1 on far may still work") as caught,
        mirrored(folder, str(tmp_path / "copies"), mine),
    ):
        pass
    assert "--take-over" in caught.value.remedy
    take_over(folder, str(tmp_path / "copies"))
    with mirrored(folder, str(tmp_path / "copies"), mine):
        assert json.loads(copies(tmp_path).read("LOCK"))["token"] == mine.holder.token
    copies(tmp_path).put_bytes(b"garbage", "LOCK")
    with pytest.raises(RunLocked, match="can't be read"), mirrored(folder, str(tmp_path / "copies"), mine):
        pass
    mine.release()


def test_a_storage_that_refuses_at_the_start_is_an_error_and_later_a_warning(
    folder: RunFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with folder.lock(0.0) as lock:
        with pytest.raises(PreflightError, match="can't be written"), mirrored(folder, str(tmp_path / "file"), lock):
            pass
        with caplog.at_level(logging.WARNING, "raysearch"), mirrored(folder, str(tmp_path / "copies"), lock):
            (tmp_path / "copies").rename(tmp_path / "gone")
            (tmp_path / "copies").write_text("")
            folder.journal.write_bytes(b"one\n")
    assert "is not up to date" in caplog.text


def job(tmp_path: Path, machine: str, fit: str = "fake_fit:quick", **more: Any) -> Job:
    spec = study()
    trial = spec.trial.bind(spec.trial.complete({}), 1).model_dump(mode="json")
    place = tmp_path / machine / "runs" / "r" / "trials" / "0003"
    storage = str(tmp_path / "copies" / "r")
    return Job(3, json.dumps(trial), str(place), str(tmp_path), "validation", "psnr", 1, 1, 0.0, fit, storage=storage, **more)


class Killed(BaseException):
    pass


def test_a_trial_goes_on_on_a_machine_that_has_nothing_but_the_storage(tmp_path: Path) -> None:
    def die_at(step: int) -> Any:
        def send(message: Message) -> None:
            if isinstance(message, Reported) and message.step == step:
                raise Killed

        return send

    with pytest.raises(Killed):
        run_job(job(tmp_path, "one"), SingleWorld(), torch.device("cpu"), die_at(20))
    told: list[Message] = []
    run_job(job(tmp_path, "two"), SingleWorld(), torch.device("cpu"), told.append)
    assert [message.step for message in told if isinstance(message, Reported)] == [20, 30, 40], "what was told is in the storage"
    assert isinstance(told[-1], Ended)
    assert told[-1].status == "finished"
    starts = [note["start"] for note in fake_fit.life(Path(job(tmp_path, "two").folder)) if "start" in note]
    assert starts == [0, 20]
    assert {"config.json", "fake.json", "log.txt"} <= set(copies(tmp_path).child("trials", "0003").files())


def test_a_storage_that_is_gone_ends_no_trial_and_gets_the_rest_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(remote, "LAST_TRIES_S", (0.0,))
    place = tmp_path / "copies"
    place.write_text("in the way")
    one = job(tmp_path, "one")
    Path(one.folder).mkdir(parents=True)
    sent: list[Message] = []
    with caplog.at_level(logging.WARNING, "raysearch"):
        send = with_copies(one, sent.append)
        (Path(one.folder) / "config.json").write_text("{}")
        send(Reported(10, 40, {}, 0.0))
        assert "is not up to date" in caplog.text
        place.unlink()
        send(Ended("finished", 40, 30.0, 1.0, "", {}))
    assert len(sent) == 2
    assert list(copies(tmp_path).child("trials", "0003").files()) == ["config.json"]


def test_a_trial_that_begins_from_another_s_checkpoint_fetches_it(tmp_path: Path) -> None:
    copies(tmp_path).put_bytes(b"donor", "trials/0001/checkpoints/step_00000020.pt")
    copies(tmp_path).put_bytes(b"other", "trials/0001/checkpoints/step_00000040.pt")
    start = Path(job(tmp_path, "two").folder).parent / "0001" / "checkpoints" / "step_00000020.pt"
    with_copies(job(tmp_path, "two", start=str(start)), lambda message: None)
    assert start.read_bytes() == b"donor"
    assert [path.name for path in start.parent.iterdir()] == [start.name]
