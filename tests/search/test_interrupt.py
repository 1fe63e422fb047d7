"""Signals: an orderly end, and the watchdog when that does not come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from raysearch.search.interrupt import catching

STUCK = """
import ctypes, pathlib, sys
from raysearch.search.interrupt import catching
with catching(patience_s=0.5) as interrupt:
    interrupt.last_words = lambda: pathlib.Path(sys.argv[1]).write_text("interrupted")
    print("ready", flush=True)
    while True:
        ctypes.CDLL(None).sleep(5)  # compiled code: Python's handler runs after it at the earliest
"""


def test_a_driver_that_is_stuck_says_its_last_words_and_ends(tmp_path: Path) -> None:
    words = tmp_path / "words"
    with subprocess.Popen([sys.executable, "-c", STUCK, str(words)], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"ready\n"
        driver.send_signal(signal.SIGTERM)
        assert driver.wait(timeout=20) == 128 + signal.SIGTERM
    assert words.read_text() == "interrupted"


def test_an_orderly_end_needs_no_watchdog_and_leaves_nothing() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)]
    threads = threading.active_count()
    with catching(patience_s=60.0) as interrupt:
        assert not interrupt
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt
    assert interrupt.signal == signal.SIGTERM
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)] == before
    assert threading.active_count() == threads
    assert signal.set_wakeup_fd(-1) == -1
