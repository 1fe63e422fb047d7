"""Kills a trial's process that gives no sign of life, and leaves in its log where each of its threads stood.

A thread of the interpreter's own `faulthandler` does both, in C: it needs neither the lock that a hanging thread may hold nor a
driver that answers. The driver learns from the log what has happened.
"""

from __future__ import annotations

import faulthandler
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BEATS = 20  # signs of life that are passed on within the time limit
_TAIL = 2**18
_MARK = re.compile(rb"^Timeout \(\d+:\d\d:\d\d(?:\.\d+)?\)!$", re.MULTILINE)
_START = re.compile(rb"process (\d+)$", re.MULTILINE)


class Watchdog:
    """Waits for signs of life; see `watching`.

    Args:
        file: descriptor of the log; None watches nothing.
        limit_s: seconds without a sign.
    """

    def __init__(self, file: int | None, limit_s: float) -> None:
        self._file = file
        self._limit_s = limit_s
        self._last = float("-inf")

    def beat(self) -> None:
        """Take a sign of life; cheap enough for every step."""
        now = time.monotonic()
        if self._file is not None and now - self._last >= self._limit_s / _BEATS:
            self._last = now
            faulthandler.dump_traceback_later(self._limit_s, exit=True, file=self._file)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Expect no sign of life: the process waits for the driver, which may wait for a disk."""
        self._rest()
        try:
            yield
        finally:
            self.beat()

    def _rest(self) -> None:
        if self._file is not None:
            faulthandler.cancel_dump_traceback_later()
        self._last = float("-inf")


@contextmanager
def watching(log: Path, limit_s: float | None) -> Iterator[Watchdog]:
    """Kill this process if it gives no sign of life for so long; one at a time in a process.

    Args:
        log: file to which the stacks of all threads are appended.
        limit_s: seconds; None watches nothing.
    """
    if limit_s is None:
        yield Watchdog(None, 0.0)
        return
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    watchdog = Watchdog(file, limit_s)
    watchdog.beat()
    try:
        yield watchdog
    finally:
        watchdog._rest()
        os.close(file)


def stalled(log: Path) -> bool:
    """Say whether the last process of a trial was killed by its watchdog, by what the trial's log says since that process began.

    A log that can't be read, for it may lie on another machine's disk, says nothing.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            text = file.read()
    except OSError:
        return False
    starts = [found.end() for found in _START.finditer(text)]
    return _MARK.search(text, starts[-1] if starts else 0) is not None
