"""Checkpoints that a run can do without: those of all trials but the best, the confirmed ones and whoever may still need them.

Only plain files of the form ``trials/0007/checkpoints/step_*.pt`` are ever deleted, and nothing through a link: a run's folder may
come from anybody. Everything else of a trial (configuration, per-image metrics, samples, log) stays.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from raysearch.results.folder import RunFolder
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.storage import Storage
from raysearch.results.summary import summary
from raysearch.train.files import CHECKPOINTS


@dataclass(frozen=True)
class Garbage:
    """What can be deleted.

    Attributes:
        files: checkpoints on the disk, by trial.
        copies: checkpoints in the run's storage, by their path below the run.
        bytes: of all of them.
        kept: numbers of the trials whose checkpoints stay.
    """

    files: tuple[Path, ...]
    copies: tuple[str, ...]
    bytes: int
    kept: tuple[int, ...]

    def delete(self, storage: Storage | None) -> None:
        """Delete the files, and the copies in the run's storage; the caller holds the run's lock.

        Raises:
            OSError: the disk or the storage refuses.
        """
        for path in self.files:
            path.unlink(missing_ok=True)
        if storage is not None:
            for name in self.copies:
                storage.delete(name)


def find_garbage(record: RunRecord, folder: RunFolder, keep_top: int, storage: Storage | None = None) -> Garbage:
    """Find the checkpoints that can go.

    Those stay of the ``keep_top`` best finished trials of the search, of every trial of the confirmation and of the trials that it
    confirms, of longer trainings that were ordered and the trials that they go on from, and of every trial that has not ended,
    since `raysearch resume` needs them. A trial whose checkpoints are gone can be tried again or extended from its first step
    only.
    """
    kept = _kept(record, keep_top)
    files: list[Path] = []
    size = 0
    for trial in record.trials:
        for path in () if trial.number in kept else _checkpoints(folder.trial(trial.number)):
            files.append(path)
            size += path.lstat().st_size
    copies = {} if storage is None else _copies(storage, [trial.number for trial in record.trials if trial.number not in kept])
    return Garbage(tuple(files), tuple(copies), size + sum(copies.values()), tuple(sorted(kept)))


def _copies(storage: Storage, trials: Iterable[int]) -> dict[str, int]:
    """Return the sizes of the checkpoints of trials in the run's storage, by path."""
    wanted = {f"trials/{number:04d}/{CHECKPOINTS}" for number in trials}
    return {name: size for name, size in storage.files().items() if name.rpartition("/")[0] in wanted and name.endswith(".pt")}


def _kept(record: RunRecord, keep_top: int) -> set[int]:
    needed = [trial for trial in record.trials if trial.status is None or trial.phase != "search"]
    sources = {trial.source for trial in needed if trial.phase != "search"} | {trial.parent for trial in needed}
    best = ranked(record.trials, summary(record).mode == "max")[:keep_top]
    return {trial.number for trial in (*needed, *best)} | {number for number in sources if number is not None}


def ranked(trials: Iterable[TrialRecord], maximise: bool) -> list[TrialRecord]:
    """Return the finished trials of the search with a value, best first; the earlier of two equal ones first."""
    done = [trial for trial in trials if trial.phase == "search" and trial.status == "finished" and trial.value is not None]
    sign = -1 if maximise else 1
    return sorted(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number))


def _checkpoints(trial: Path) -> Iterable[Path]:
    folder = trial / CHECKPOINTS
    if trial.is_symlink() or folder.is_symlink() or not folder.is_dir():
        return
    for path in sorted(folder.glob("step_*.pt")):
        if stat.S_ISREG(path.lstat().st_mode):
            yield path
