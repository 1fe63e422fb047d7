"""Many trials, with RAYSEARCH_LONG=1 a million reports, and odd names (row 16)."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from invariants import check_report
from length import LONG
from small_study import study

from raysearch.results.events import DriverStarted, PhaseEnded, TrialEnded, TrialReported, TrialStarted
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal
from raysearch.results.journal_format import encode
from raysearch.results.run import open_run
from raysearch.results.summary import summary

ODD = ("n" * 500, '</script><script>alert("1")</script>', "../../etc/passwd", "Überraschung 漢字 \U0001f600", "'\"`;--", "a\nb\tc")
TRIALS = 10_000
REPORTS = 100 if LONG else 2
"""Of each trial."""


def test_ten_thousand_trials_under_odd_names(new_run: Callable[..., RunFolder], tmp_path: Path) -> None:
    """Written as a driver does, record by record; read in bounded time and memory, and reported without being misunderstood."""
    folder = new_run(study())
    config = {"model": {"kind": "dncnn"}, "seed": 0}
    lines, sequence = [], 0

    def add(event: DriverStarted | TrialStarted | TrialReported | TrialEnded | PhaseEnded) -> None:
        nonlocal sequence
        lines.append(encode(event, sequence))
        sequence += 1

    add(DriverStarted(time=0.0, attempt=0, command=("t",), versions={}, host="h"))
    for number in range(TRIALS):
        values = {"recipe.optimizer.lr": 1e-3, ODD[number % len(ODD)]: ODD[(number + 1) % len(ODD)]}
        add(
            TrialStarted(
                time=float(number),
                trial=number,
                phase="search",
                role="suggested",
                source=None,
                values=values,
                config=config,
                seed=number,
                steps=REPORTS,
            )
        )
        for step in range(1, REPORTS + 1):
            add(TrialReported(time=float(number), trial=number, step=step, metrics={"psnr": 20 + number % 97 / 10}))
        add(
            TrialEnded(
                time=float(number),
                trial=number,
                status="finished",
                step=REPORTS,
                value=20 + number % 97 / 10,
                seconds=1.0,
                reason="",
                facts={},
            )
        )
    folder.journal.write_bytes(b"".join(lines))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    run = open_run(folder.path)
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert len(run.trials) == TRIALS
    assert seconds < (300 if LONG else 30), "a generous limit, for busy machines"
    assert grown < (3000 if LONG else 500), f"{grown:.0f} MiB"
    found = summary(run)
    assert found.best is not None
    assert found.best.value == pytest.approx(29.6)
    with Journal.open(folder.journal) as journal:
        began = time.perf_counter()
        journal.append(PhaseEnded(time=1e6, phase="search", reason="trials"))
        assert time.perf_counter() - began < 1.0, "an append does not read what is there"
    text = check_report(folder, tmp_path / "report.html")
    assert "<script>alert" not in text
    assert len(text) < 9_000_000
