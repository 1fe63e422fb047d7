"""Events of a journal for its tests, and a journal of a few of them."""

from __future__ import annotations

from pathlib import Path

from raysearch.results.events import Event, TrialReported, TrialStarted
from raysearch.results.journal import Journal


def reported(trial: int, step: int = 1, psnr: float = 30.125) -> TrialReported:
    return TrialReported(time=1.5, trial=trial, step=step, metrics={"psnr": psnr, "loss": 1e-9})


def started(trial: int, name: str = "lr", value: str = "x") -> TrialStarted:
    return TrialStarted(
        time=0.1,
        trial=trial,
        phase="search",
        role="suggested",
        source=None,
        values={name: value, "flag": True, "count": 3, "rate": 3.0, "none": None},
        config={"nested": {"list": [1, 2.5, value]}},
        seed=2**62,
        steps=1000,
    )


def write(path: Path, count: int = 6) -> list[Event]:
    events: list[Event] = [started(i) if i % 2 else reported(i) for i in range(count)]
    with Journal.open(path) as journal:
        assert [journal.append(event) for event in events] == list(range(count))
    return events
