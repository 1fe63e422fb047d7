"""Runs written to a folder with a journal, as their drivers would have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from raysearch.results.events import DriverStarted, DriverStopped, Event, PhaseEnded, TrialEnded, TrialReported, TrialStarted
from raysearch.results.folder import RunFolder
from raysearch.results.journal import new_journal
from raysearch.results.record import RunRecord


def events(record: RunRecord, stopped: bool = True) -> list[Event]:
    """The run as its journal would tell it."""
    found: list[Event] = [DriverStarted(time=1.7e9, attempt=0, command=("raysearch",), versions={}, host="h")]
    for t in record.trials:
        known = {name: getattr(t, name) for name in ("phase", "role", "source", "values", "config", "seed", "steps")}
        found.append(TrialStarted(time=1.7e9, trial=t.number, **known))
        found += [TrialReported(time=1.7e9, trial=t.number, step=p.step, metrics=p.metrics) for p in t.reports]
        if t.status is not None:
            ends = {name: getattr(t, name) for name in ("status", "step", "value", "seconds", "reason", "facts")}
            found.append(TrialEnded(time=1.7e9, trial=t.number, **ends))
    if stopped:
        found += [PhaseEnded(time=1.7e9, phase=phase, reason="trials") for phase in ("search", "confirm")]
        found.append(DriverStopped(time=1.7e9 + 60, reason="done", message=""))
    return found


def written(root: Path, name: str, told: Sequence[Event], title: str = "A study") -> RunFolder:
    folder = RunFolder(root / name)
    folder.path.mkdir(parents=True)
    folder.write_study("name: x\n", {"name": "x", "title": title, "objective": {"metric": "psnr", "mode": "max"}})
    new_journal(folder.journal, told)
    return folder
