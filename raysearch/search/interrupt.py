"""Ctrl-C and SIGTERM: the first one ends the study in an orderly way, the second one at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupt:
    """Whether the user wants the study to end; False in a boolean context until a signal has come.

    Attributes:
        signal: number of the signal, None until one has come.
    """

    def __init__(self) -> None:
        self.signal: int | None = None

    def __bool__(self) -> bool:
        return self.signal is not None

    def listen(self) -> None:
        """Install the handlers; once more after Ray was started, which puts its own in the place of that of SIGTERM."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self.handle)
            signal.signal(signal.SIGTERM, self.handle)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal. A second one ends the process: the journal is on the disk, and a local Ray ends with its driver."""
        if self.signal is not None:
            os._exit(128 + number)
        self.signal = number
        tell_tune = signal.getsignal(signal.SIGUSR1)
        if callable(tell_tune):  # only while Tune runs: it installs this handler, and ends its loop when it is called
            tell_tune(number, frame)


@contextmanager
def catching() -> Iterator[Interrupt]:
    """Catch SIGINT and SIGTERM; outside the main thread, where Python allows no handlers, catch nothing."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    interrupt.listen()
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
