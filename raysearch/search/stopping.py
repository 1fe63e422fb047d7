"""`raysearch stop` on the driver's side: a thread that looks for the request and obeys it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from raysearch.results.folder import RunFolder
from raysearch.results.stop_request import read_request
from raysearch.search.interrupt import Interrupt

PERIOD_S = 1.0
"""How often a driver looks for a request."""


@contextmanager
def obeying(folder: RunFolder, token: str, interrupt: Interrupt, period_s: float = PERIOD_S) -> Iterator[None]:
    """Obey requests to the driver that holds the lock with this token, as long as the context lasts.

    ``now`` is what a SIGTERM does; otherwise no new trial starts, and the driver leaves when the running ones have ended.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(folder, token, interrupt, ended, period_s), daemon=True, name="raysearch-stop")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        if (request := read_request(folder.stop_file)) is not None and request.token == token:
            folder.stop_file.unlink(missing_ok=True)


def _watch(folder: RunFolder, token: str, interrupt: Interrupt, ended: threading.Event, period_s: float) -> None:
    while not ended.wait(period_s):
        request = read_request(folder.stop_file)
        if request is None or request.token != token:
            continue
        interrupt.asked = True
        if request.now:
            if interrupt.signal is None:
                os.kill(os.getpid(), signal.SIGTERM)
            return
