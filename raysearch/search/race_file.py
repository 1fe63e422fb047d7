"""A CSV file of simulated searches, one a line: a race that was cut short goes on from it, and a report is made of it."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from raysearch.errors import SpecError
from raysearch.search.contest import Run, Setting

_HEAD = ["surrogate", "seconds", "workers", "method", "seed", "final", "trials", "times"]


@dataclass(frozen=True)
class Key:
    """What a search is known by."""

    setting: Setting
    method: str
    seed: int


class RaceFile:
    """The file; what is in it is not to be searched again.

    Raises:
        SpecError: the file is another one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs: dict[Key, Run] = {}
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                rows = csv.reader(file)
                if next(rows, None) != _HEAD:
                    raise SpecError(f"{path} is no file of searches", remedy="name another file, or one that bench search wrote")
                self._runs.update(map(_read, rows))

    def get(self, key: Key) -> Run | None:
        """Return a search that is in the file."""
        return self._runs.get(key)

    def __iter__(self) -> Iterator[tuple[Key, Run]]:
        """Yield every search, in the order of the file."""
        return iter(self._runs.items())

    def add(self, key: Key, run: Run) -> None:
        """Write a search down, at once."""
        new = not self._path.exists()
        with self._path.open("a", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            if new:
                rows.writerow(_HEAD)
            setting, times = key.setting, " ".join(map(_number, run.times))
            known = [setting.surrogate, _number(setting.seconds), setting.workers, key.method, key.seed]
            rows.writerow([*known, repr(run.final), run.trials, times])
        self._runs[key] = run


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else "inf"


def _read(row: list[str]) -> tuple[Key, Run]:
    surrogate, seconds, workers, method, seed, final, trials, times = row
    run = Run(float(final), tuple(map(float, times.split())), int(trials))
    return Key(Setting(surrogate, float(seconds), int(workers)), method, int(seed)), run
