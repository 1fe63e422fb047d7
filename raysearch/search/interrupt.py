"""Ctrl-C, SIGTERM, a terminal that closes (SIGHUP) and `raysearch stop`: the first signal ends the study in an orderly way, the
second one at once. A SIGHUP that was to be ignored when the study began (``nohup``) is ignored.

If the orderly way takes too long (Ray's processes may have got the same signal and be gone, and Ray waits for them in compiled code
where no Python handler runs), a thread of its own says the last words and ends the process.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

PATIENCE_S = 15.0
"""How long the orderly end may take."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupt:
    """Whether the user wants the study to end; False in a boolean context until a signal or a request has come.

    Attributes:
        signal: number of the signal, None until one has come.
        asked: no new trial is to start, and the running ones may go on to their end.
        error: why the study has to end, though nobody wants it to; None while it hasn't.
        last_words: called, in another thread, before the process is ended because the orderly end takes too long.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.asked = False
        self.error: Exception | None = None
        self.last_words: Callable[[], None] = _nothing

    def __bool__(self) -> bool:
        return self.asked or self.signal is not None or self.error is not None

    @property
    def reason(self) -> int:
        """Number of the signal; that of SIGTERM where there was a request only."""
        return signal.SIGTERM if self.signal is None else self.signal

    def listen(self) -> None:
        """Install the handlers; once more after Ray was started, which puts its own in the place of that of SIGTERM."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, self.handle)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal. A second one ends the process: the journal is on the disk, and a local Ray ends with its driver."""
        if self.signal is not None:
            os._exit(128 + number)
        self.signal = number
        _tell_tune(number, frame)

    def halt(self, error: Exception) -> None:
        """End the study in an orderly way because of an error that no trial is to blame for; the first one counts."""
        if self.error is None:
            self.error = error
            _tell_tune(signal.SIGUSR1, None)

    def watch(self, signals: socket.socket, ended: threading.Event, patience_s: float) -> None:
        """Wait for the first signal, then for the end; end the process when that does not come.

        Args:
            signals: gives a byte for each signal, as soon as it is there, whatever the main thread does.
            ended: the orderly end.
            patience_s: how long to wait for it, in seconds.
        """
        while data := signals.recv(1):
            if data[0] in _SIGNALS:
                if not ended.wait(patience_s):
                    self._give_up(data[0])
                return

    def _give_up(self, number: int) -> None:
        try:
            self.last_words()
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(128 + number)


def _tell_tune(number: int, frame: FrameType | None) -> None:
    tell = signal.getsignal(signal.SIGUSR1)
    if callable(tell):  # only while Tune runs: it installs this handler, and ends its loop when it is called
        tell(number, frame)


def _nothing() -> None:
    """Say no last words."""


@contextmanager
def catching(patience_s: float = PATIENCE_S) -> Iterator[Interrupt]:
    """Catch SIGINT and SIGTERM; outside the main thread, where Python allows no handlers, catch nothing.

    Args:
        patience_s: seconds from the first signal until the process is ended if this context has not been left.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before: dict[int, Any] = {number: signal.getsignal(number) for number in (*_SIGNALS, signal.SIGUSR1)}
    ended, (receiver, sender) = threading.Event(), socket.socketpair()
    sender.setblocking(False)
    woken_before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=interrupt.watch, args=(receiver, ended, patience_s), daemon=True, name="raysearch-watchdog")
    watcher.start()
    interrupt.listen()
    try:
        yield interrupt
    finally:
        ended.set()
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken_before)
        sender.close()
        watcher.join()
        receiver.close()
