"""Signals that reach more than the driver: the whole process group, or every process of a job."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from drivers import alive, reported_to, start, wait_for
from small_study import study

from raysearch.results.events import DriverStopped
from raysearch.results.folder import RunFolder
from raysearch.results.journal import read_journal
from raysearch.search.interrupt import PATIENCE_S
from raysearch.search.study import StudySpec


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
def test_a_signal_to_the_whole_process_group_is_an_orderly_end(new_run: Callable[[StudySpec], RunFolder]) -> None:
    folder = new_run(study(budget={"trials": 2}))
    for attempt, (verb, number) in enumerate((("run", signal.SIGINT), ("resume", signal.SIGTERM))):
        driver = start(verb, folder)
        wait_for(folder, reported_to(attempt), driver)
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


@pytest.mark.ray
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Ray needs the driver's process group")
def test_a_driver_whose_ray_got_the_signal_too_says_so_and_ends(new_run: Callable[[StudySpec], RunFolder]) -> None:
    """As a cluster's scheduler does it: every process of the job gets the signal."""
    folder = new_run(study(budget={"trials": 2}))
    driver = start("run", folder)
    wait_for(folder, reported_to(0), driver)
    for pid in [*descendants(driver.pid), driver.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    assert driver.wait(timeout=PATIENCE_S + 15) == 128 + signal.SIGTERM
    last = read_journal(folder.journal)[-1]
    assert isinstance(last, DriverStopped)
    assert last.reason == "interrupted"
    assert not folder.lock_file.exists()
