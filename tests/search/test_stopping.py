"""A driver that is asked to end through the run's folder. No Ray."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from raysearch.cli import main
from raysearch.errors import RunLocked
from raysearch.results.folder import RunFolder
from raysearch.results.lock import RunLock
from raysearch.results.stop_request import StopRequest, ask_to_stop, read_request, wait_for_end
from raysearch.search.interrupt import Interrupt, catching
from raysearch.search.stopping import obeying


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder.create(tmp_path, "r")
    run.write_study("", {})
    return run


def until(what: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_request_for_this_driver_lets_running_trials_end(folder: RunFolder) -> None:
    interrupt = Interrupt()
    with obeying(folder, "mine", interrupt, 0.01):
        StopRequest("another", now=True).write(folder.stop_file)
        time.sleep(0.1)
        assert not interrupt, "a request for a driver that is gone"
        StopRequest("mine", now=False).write(folder.stop_file)
        until(lambda: interrupt)
    assert (interrupt.asked, interrupt.signal, interrupt.reason) == (True, None, signal.SIGTERM)
    assert not folder.stop_file.exists()
    assert not any(thread.name == "raysearch-stop" for thread in threading.enumerate())


def test_now_is_what_a_signal_does(folder: RunFolder) -> None:
    with catching() as interrupt, obeying(folder, "mine", interrupt, 0.01):
        StopRequest("mine", now=False).write(folder.stop_file)
        until(lambda: interrupt.asked)
        StopRequest("mine", now=True).write(folder.stop_file)
        until(lambda: interrupt.signal is not None)
        assert interrupt.reason == signal.SIGTERM


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff", b'{"token": 1', b"x" * 9999, b"[" * 3000])
def test_what_is_no_request_is_none(folder: RunFolder, text: bytes) -> None:
    assert read_request(folder.stop_file) is None
    folder.stop_file.write_bytes(text)
    assert read_request(folder.stop_file) is None


def test_a_request_is_never_read_through_a_link_or_from_a_pipe(folder: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "other").write_text(json.dumps({"token": "mine", "now": True}))
    folder.stop_file.symlink_to(tmp_path / "other")
    assert read_request(folder.stop_file) is None
    folder.stop_file.unlink()
    os.mkfifo(folder.stop_file)
    assert read_request(folder.stop_file) is None


def test_the_holder_of_the_lock_is_asked(folder: RunFolder) -> None:
    assert ask_to_stop(folder, now=True) is None
    with folder.lock(0.0) as lock:
        holder = ask_to_stop(folder, now=True)
        assert holder == lock.holder
        assert read_request(folder.stop_file) == StopRequest(lock.holder.token, now=True)
        assert not wait_for_end(folder, lock.holder, 0.1)
    assert wait_for_end(folder, lock.holder, 0.1)


def test_a_driver_that_died_is_not_asked(folder: RunFolder) -> None:
    code = (
        f"from raysearch.results.lock import RunLock; from pathlib import Path; RunLock.take(Path({str(folder.lock_file)!r}), 0.0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    holder = folder.holder()
    assert holder is not None
    assert ask_to_stop(folder, now=True) is None
    assert not folder.stop_file.exists()
    with pytest.raises(RunLocked, match="died"):
        wait_for_end(folder, holder, 1.0)


def test_the_command_waits_for_the_driver(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    def call(*more: str) -> tuple[object, str]:
        with pytest.raises(SystemExit) as caught:
            main(["stop", str(folder.path), *more])
        said = capsys.readouterr()
        return caught.value.code, said.out + said.err

    assert call() == (0, "no driver works on r\n")
    with folder.lock(0.0):
        code, said = call("--wait", "0.1")
        assert code == 0
        assert "the request stands" in said
        code, said = call("--now", "--wait", "0.1")
        assert code == 6
        assert "kill -INT" in said
    lock = RunLock.take(folder.lock_file, 0.0)
    threading.Timer(0.3, lock.release).start()
    code, said = call("--now")
    assert code == 0
    assert "it has left; go on with: raysearch resume" in said
