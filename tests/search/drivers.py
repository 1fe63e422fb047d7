"""Drivers in processes of their own, to be watched and killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from raysearch.results.events import DriverStarted, Event, TrialReported
from raysearch.results.folder import RunFolder
from raysearch.results.journal import read_journal

SCRIPT = Path(__file__).parent / "drive.py"


def start(verb: str, folder: RunFolder, fit: str = "fake_fit:slow", address: str = "local") -> subprocess.Popen[bytes]:
    """Start a driver; its verb is ``run``, ``resume``, or one of these without Ray: ``dry-run``, ``dry-resume``."""
    command = [sys.executable, str(SCRIPT), verb, str(folder.path), str(folder.path / "cache"), fit, address]
    return subprocess.Popen(command, start_new_session=True)


def wait_for(
    folder: RunFolder, what: Callable[[tuple[Event, ...]], bool], driver: subprocess.Popen[bytes], seconds: float = 240
) -> None:
    """Wait until the run's journal tells something."""
    end = time.monotonic() + seconds
    while not (folder.journal.exists() and what(read_journal(folder.journal))):
        assert driver.poll() is None, f"the driver ended with {driver.returncode}"
        assert time.monotonic() < end, "the driver hangs"
        time.sleep(0.05)


def count(events: tuple[Event, ...], kind: type) -> int:
    return sum(isinstance(event, kind) for event in events)


def reported_to(driver: int) -> Callable[[tuple[Event, ...]], bool]:
    """Say whether a driver, from 0, has had a report."""

    def told(events: tuple[Event, ...]) -> bool:
        starts = [i for i, event in enumerate(events) if isinstance(event, DriverStarted)]
        return len(starts) > driver and count(events[starts[driver] :], TrialReported) > 0

    return told


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
