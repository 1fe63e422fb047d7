"""A run outlives its driver: killed with SIGKILL, asked to stop with SIGTERM, resumed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import fake_fit
import pytest
from small_study import study

from raysearch.results.events import DriverStarted, DriverStopped, Event, TrialEnded, TrialReported
from raysearch.results.folder import RunFolder
from raysearch.results.journal import read_journal
from raysearch.results.run import open_run
from raysearch.search.driver import resume_study
from raysearch.search.interrupt import PATIENCE_S
from raysearch.search.options import DriverOptions
from raysearch.search.study import StudySpec

HERE = Path(__file__).parent


def start(verb: str, folder: RunFolder) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / "drive.py"), verb, str(folder.path), str(folder.path / "cache"), "fake_fit:slow"]
    return subprocess.Popen(command, start_new_session=True)


def wait_for(
    folder: RunFolder, what: Callable[[tuple[Event, ...]], bool], driver: subprocess.Popen[bytes], seconds: float = 120
) -> None:
    end = time.monotonic() + seconds
    while not (folder.journal.exists() and what(read_journal(folder.journal))):
        assert driver.poll() is None, f"the driver ended with {driver.returncode}"
        assert time.monotonic() < end, "the driver hangs"
        time.sleep(0.05)


def count(events: tuple[Event, ...], kind: type) -> int:
    return sum(isinstance(event, kind) for event in events)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie that nobody has waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.ray
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_run_outlives_its_drivers(new_run: Callable[[StudySpec], RunFolder], options: Callable[..., DriverOptions]) -> None:
    spec = study(budget={"trials": 8}, seed=11, scheduler={"kind": "asha", "first_rung": 10, "reduction": 4})
    folder = new_run(spec)

    first = start("run", folder)
    wait_for(folder, lambda events: count(events, TrialEnded) >= 1 and isinstance(events[-1], TrialReported), first)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    after_kill = open_run(folder.path)
    processes = {int(str(note["pid"])) for trial in after_kill.trials for note in fake_fit.life(folder.trial(trial.number))}
    end = time.monotonic() + 30
    while any(alive(pid) for pid in processes):
        assert time.monotonic() < end, "trials go on without their driver"
        time.sleep(0.2)

    second = start("resume", folder)
    wait_for(folder, lambda events: count(events, DriverStarted) == 2 and isinstance(events[-1], TrialReported), second)
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=60) == 128 + signal.SIGTERM
    stopped = open_run(folder.path)
    assert stopped.stopped == "interrupted"
    assert stopped.ended == {}
    assert folder.holder() is None

    assert resume_study(folder, options("slow")).exit_code == 0
    run = open_run(folder.path)
    assert [trial.number for trial in run.trials] == list(range(8))
    assert {trial.status for trial in run.trials} <= {"finished", "stopped"}
    ended = Counter(event.trial for event in read_journal(folder.journal) if isinstance(event, TrialEnded))
    assert ended == Counter(range(8)), "each trial ended once"
    for earlier in (after_kill, stopped):
        for before in earlier.trials:
            after = run.trials[before.number]
            assert after.values == before.values
            assert after.reports[: len(before.reports)] == before.reports
            starts = [int(str(note["start"])) for note in fake_fit.life(folder.trial(before.number)) if "start" in note]
            if before.status is not None:
                assert after == before, "a trial that had ended is not touched"
                assert max(starts) <= before.step
            elif before.reports:
                assert any(start >= before.reports[-1].step for start in starts), "at most one report interval is lost"


def descendants(pid: int) -> list[int]:
    """The process's children, theirs, and so on; not those that ended."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(path.parent.name)] = int(parent)
    found, size = {pid}, 0
    while len(found) > size:
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return sorted(found - {pid})


@pytest.mark.ray
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Ray needs the driver's process group")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_process_group_is_an_orderly_end(
    new_run: Callable[[StudySpec], RunFolder], options: Callable[..., DriverOptions], number: signal.Signals
) -> None:
    folder = new_run(study(budget={"trials": 2}))
    driver = start("run", folder)
    wait_for(folder, lambda events: count(events, TrialReported) > 0, driver)
    others = descendants(driver.pid)
    assert len(others) >= 3, "Ray's processes and the trial's"
    began = time.monotonic()
    os.killpg(driver.pid, number)
    assert driver.wait(timeout=60) == 128 + number
    assert time.monotonic() - began < PATIENCE_S, "the watchdog had nothing to do"
    last = read_journal(folder.journal)[-1]
    assert isinstance(last, DriverStopped)
    assert (last.reason, last.message) == ("interrupted", "")
    assert not folder.lock_file.exists()
    end = time.monotonic() + 10
    while any(alive(pid) for pid in others):
        assert time.monotonic() < end, "something outlives the driver"
        time.sleep(0.1)
    if number == signal.SIGTERM:
        assert resume_study(folder, options("quick")).exit_code == 0
        assert [trial.status for trial in open_run(folder.path).trials] == ["finished", "finished"]


@pytest.mark.ray
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Ray needs the driver's process group")
def test_a_driver_whose_ray_got_the_signal_too_says_so_and_ends(new_run: Callable[[StudySpec], RunFolder]) -> None:
    """As a cluster's scheduler does it: every process of the job gets the signal."""
    folder = new_run(study(budget={"trials": 2}))
    driver = start("run", folder)
    wait_for(folder, lambda events: count(events, TrialReported) > 0, driver)
    for pid in [*descendants(driver.pid), driver.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    assert driver.wait(timeout=PATIENCE_S + 15) == 128 + signal.SIGTERM
    last = read_journal(folder.journal)[-1]
    assert isinstance(last, DriverStopped)
    assert last.reason == "interrupted"
    assert not folder.lock_file.exists()
