"""A process that is asked to leave its machine (SIGTERM: a preemption, a node that is drained) writes a checkpoint first.

Python runs handlers in the main thread only, and trials run in another one, so the handler is installed where the main thread is at
hand and the trial looks for the notice between two steps. A second SIGTERM, or one while no trial runs here, ends the process as if
nobody had listened.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_notice = threading.Event()
_trials = threading.Event()
_before: dict[int, Any] = {}


def listen() -> None:
    """Take SIGTERM as a notice from here on; call it in the main thread of a trial's process. Calling it twice is fine."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is not _handle:
        _before[signal.SIGTERM] = signal.signal(signal.SIGTERM, _handle)


def _handle(number: int, frame: FrameType | None) -> None:
    if _trials.is_set() and not _notice.is_set():
        _notice.set()
        return
    handler = _before.get(number)
    if callable(handler):
        handler(number, frame)
    else:
        os._exit(128 + number)


@contextmanager
def trial_here() -> Iterator[Callable[[], bool]]:
    """Mark that a trial runs in this process; gives a function that says whether the process was asked to leave."""
    _trials.set()
    try:
        yield _notice.is_set
    finally:
        _trials.clear()
