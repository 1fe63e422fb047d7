from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from raysearch.errors import RunLocked
from raysearch.results import process
from raysearch.results.lock import Holder, RunLock, read_holder
from raysearch.results.process import ProcessIdentity, this_process

HOLD = """
import sys, time
from pathlib import Path
from raysearch.results.lock import RunLock
RunLock.take(Path(sys.argv[1]), 5.0)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "LOCK"


@contextmanager
def another_driver(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        try:
            assert driver.stdout.readline() == "held\n"
            yield driver
        finally:
            driver.kill()


def put(path: Path, process: ProcessIdentity) -> None:
    path.write_text(json.dumps({"process": asdict(process), "since": 1.0, "token": "x"}))


def test_taking_and_releasing(path: Path) -> None:
    with RunLock.take(path, 12.5) as lock:
        holder = read_holder(path)
        assert holder == lock.holder
        assert holder is not None
        assert (holder.process.pid, holder.since, holder.life) == (os.getpid(), 12.5, "alive")
    assert not path.exists()
    lock.release()
    with RunLock.take(path, 13.0):
        pass


def test_the_same_process_does_not_hold_twice(path: Path) -> None:
    with RunLock.take(path, 0.0):
        with pytest.raises(RunLocked, match=f"process {os.getpid()} on ") as caught:
            RunLock.take(path, 0.0)
        assert caught.value.exit_code == 6
        assert path.exists(), "the attempt leaves the lock in place"


def test_a_living_driver_keeps_its_run_however_old_the_lock_is_and_a_killed_one_loses_it(path: Path) -> None:
    with another_driver(path) as driver:
        os.utime(path, (0, 0))
        with pytest.raises(RunLocked, match=f"process {driver.pid} on .* works on this run") as caught:
            RunLock.take(path, 0.0)
        assert "raysearch stop" in caught.value.remedy
        driver.send_signal(signal.SIGSTOP)
        with pytest.raises(RunLocked, match="works on this run"):
            RunLock.take(path, 0.0)
        driver.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while (holder := read_holder(path)) is not None and holder.life != "dead":
            assert time.monotonic() < deadline, "a killed process counts as dead even before its parent has waited for it"
            time.sleep(0.01)
        with RunLock.take(path, 0.0) as lock:
            assert read_holder(path) == lock.holder
    assert not path.exists()
    assert list(path.parent.iterdir()) == []


def test_many_that_take_over_at_once_leave_one_holder(path: Path) -> None:
    put(path, replace(this_process(), pid=2**22 - 1, born="1"))
    script = HOLD.replace("RunLock.take(", "time.sleep(max(0, float(sys.argv[2]) - time.time())); RunLock.take(").replace("60", "3")
    start = str(time.time() + 1.5)
    drivers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path), start], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    said = [driver.communicate(timeout=60) for driver in drivers]
    assert [out for out, _ in said].count("held\n") == 1
    assert all("RunLocked" in err for out, err in said if out != "held\n")


def test_a_forked_child_does_not_release_its_parents_lock(path: Path) -> None:
    with RunLock.take(path, 0.0) as lock:
        child = os.fork()
        if child == 0:
            lock.release()
            os._exit(0)
        os.waitpid(child, 0)
        assert path.exists()


def test_a_lock_that_was_taken_by_hand_is_left_alone(path: Path) -> None:
    lock = RunLock.take(path, 0.0)
    path.unlink()
    with RunLock.take(path, 1.0) as other:
        lock.release()
        assert read_holder(path) == other.holder


ME = this_process()
OUTSIDE = replace(ME, machine="m", namespace="pid:[4026531836]")


@pytest.mark.parametrize(
    ("me", "other", "life"),
    [
        (ME, ME, "alive"),
        (ME, replace(ME, born="1"), "dead"),
        (ME, replace(ME, pid=2**22 - 1, born="77"), "dead"),
        (ME, replace(ME, pid=1, born="0"), "dead"),
        (ME, replace(ME, namespace="pid:[1]", born="1"), "unknown"),
        (ME, replace(ME, born=""), "unknown"),
        (ME, replace(ME, boot=""), "unknown"),
        (ME, replace(ME, boot="other", host="elsewhere"), "unknown"),
        (replace(ME, boot=""), ME, "unknown"),
        (OUTSIDE, replace(OUTSIDE, boot="earlier"), "dead"),
        (OUTSIDE, replace(OUTSIDE, boot="earlier", host="elsewhere"), "unknown"),
        (OUTSIDE, replace(OUTSIDE, boot="earlier", machine="n"), "unknown"),
        (OUTSIDE, replace(OUTSIDE, boot="earlier", namespace="pid:[7]"), "unknown"),
        (replace(OUTSIDE, machine=""), replace(OUTSIDE, machine="", boot="earlier"), "unknown"),
        (replace(ME, namespace="pid:[7]"), replace(ME, namespace="pid:[7]", boot="earlier"), "unknown"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the facts of Linux")
def test_dead_is_only_said_where_it_is_certain(me: ProcessIdentity, other: ProcessIdentity, life: str) -> None:
    assert me.judge(other) == life


def test_a_process_that_is_hidden_from_this_user_is_not_called_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "birth", lambda pid: "")
    assert ME.judge(ME) == "unknown"


def test_a_lock_of_another_host_is_never_taken(path: Path) -> None:
    put(path, replace(ME, host="node-7", boot="other", born="1"))
    with pytest.raises(RunLocked, match=r"on node-7 may still work") as caught:
        RunLock.take(path, 0.0)
    assert "delete that file" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"process": 3}',
        '{"process": {"pid": -1}, "since": 0, "token": ""}',
        "[" * 100_000,
        '{"process": {"pid": "x"}}',
    ],
)
def test_a_lock_that_can_not_be_read_is_not_taken(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(RunLocked, match="can't be read"):
        RunLock.take(path, 0.0)


def test_a_lock_that_is_no_file_is_not_read(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(RunLocked, match="no plain file"):
        RunLock.take(path, 0.0)


def test_what_a_lock_says_is_safe_to_print(path: Path) -> None:
    put(path, replace(ME, host="a\x1b[2Jb\n" + "x" * 500, boot="other"))
    holder = read_holder(path)
    assert isinstance(holder, Holder)
    assert str(holder).isprintable()
    assert len(str(holder)) < 400
