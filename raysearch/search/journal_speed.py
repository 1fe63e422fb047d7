"""What the journal costs: until a record is on the disk, and until a run's records are read back."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raysearch.results.events import Event, TrialEnded, TrialReported, TrialStarted
from raysearch.results.journal import Journal, JournalReader
from raysearch.results.journal_format import encode
from raysearch.results.replay import Replay
from raysearch.search.idle_trials import EVERY, empty_study


@dataclass(frozen=True)
class Appends:
    """Milliseconds until a record is on the disk."""

    records: int
    median_ms: float
    p95_ms: float


def appends(folder: Path, records: int = 300) -> Appends:
    """Append reports to a journal, each synchronised with the disk."""
    taken = []
    with Journal.open(folder / "appends.jsonl") as journal:
        for event in _story(records, 1)[1::3]:
            began = time.perf_counter()
            journal.append(event)
            taken.append(1000 * (time.perf_counter() - began))
    return Appends(records, statistics.median(taken), statistics.quantiles(taken, n=20)[-1])


@dataclass(frozen=True)
class Replayed:
    """A journal read back as on resume.

    Attributes:
        records: of all trials.
        mb: size of the file, in 1e6 bytes.
        seconds: until the trials are there.
        cpu_seconds: of those, the ones in which a processor worked for it: all, on a machine that does nothing else.
        memory_mb: resident memory that the process gained by it, in 2**20 bytes; None where it can't be told.
    """

    trials: int
    reports: int
    records: int
    mb: float
    seconds: float
    cpu_seconds: float
    memory_mb: float | None


def replayed(folder: Path, trials: int = 10_000, reports: int = 1) -> Replayed:
    """Write a journal of so many trials, without synchronising it, and read it back."""
    path = folder / f"replay-{reports}.jsonl"
    path.write_bytes(b"".join(encode(event, number) for number, event in enumerate(_story(trials, reports))))
    before, began, worked = resident_mb(), time.perf_counter(), time.process_time()
    told = Replay()
    for event in JournalReader(path):
        told.add(event)
    records = told.trials()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    assert len(records) == trials
    grown = None if before is None else (resident_mb() or before) - before
    return Replayed(trials, reports, trials * (reports + 2), path.stat().st_size / 1e6, seconds, cpu_seconds, grown)


def _story(trials: int, reports: int) -> Sequence[Event]:
    """Return the events of finished trials, with whole configurations and the metrics of a real report."""
    space = empty_study(1, reports, 1).trial
    config = space.bind(space.complete({}), 0).model_dump(mode="json")
    metrics = dict.fromkeys(("psnr", "ssim", "loss", "lr", "patches_per_second", "train_seconds", "pixels_seen"), 12.345678)
    facts = {"parameters": 556096, "macs_g": 9.1, "macs_size": 128, "device": "cpu", "workers": 1, "threads": 1}
    values = space.complete({})
    events: list[Event] = []
    for number in range(trials):
        events.append(
            TrialStarted(
                time=1.0,
                trial=number,
                phase="search",
                role="suggested",
                source=None,
                values=values,
                config=config,
                seed=number,
                steps=EVERY * reports,
            )
        )
        events += [TrialReported(time=2.0, trial=number, step=EVERY * (k + 1), metrics=metrics) for k in range(reports)]
        events.append(
            TrialEnded(
                time=3.0, trial=number, status="finished", step=EVERY * reports, value=30.0, seconds=1.0, reason="", facts=facts
            )
        )
    return events


def resident_mb() -> float | None:
    """Return the resident memory of this process in 2**20 bytes; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
