"""A run's copy in a storage while it runs: the driver's part, and that of a trial's process.

A storage that does not answer ends nothing: training goes on, the local files stay, and everything that has changed is copied as
soon as it answers again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from raysearch.errors import PreflightError, RunLocked
from raysearch.results.folder import RunFolder
from raysearch.results.lock import RunLock, parse_holder, print_holder
from raysearch.results.record import TrialRecord
from raysearch.results.storage import Mirror, Storage, anything, is_result, run_files
from raysearch.search.job import Ended, Job, Message
from raysearch.train.files import CHECKPOINTS

PERIOD_S = 30.0
"""How often the driver copies the journal."""

LAST_TRIES_S = (1.0, 5.0, 15.0)
"""Pauses before the copy of a trial that has ended is tried again."""

logger = logging.getLogger("raysearch")


@contextmanager
def mirrored(folder: RunFolder, uri: str | None, lock: RunLock, period_s: float = PERIOD_S) -> Iterator[Storage | None]:
    """Copy a run's study and journal to its storage now, at intervals, and at the end.

    Args:
        uri: of the storage; None for none.
        lock: the run's lock, a copy of which tells drivers on other machines that there is one.

    Raises:
        PreflightError: the storage can't be written when the driver starts.
        RunLocked: another driver, on another machine, may work on the run.
    """
    if uri is None:
        yield None
        return
    storage = Storage.open(uri).child(folder.name)
    mirror, ended = Mirror(folder.path, storage), threading.Event()
    try:
        _hold(storage, lock)
        mirror.push(run_files(folder.path))
    except OSError as error:
        raise PreflightError(
            f"the storage {storage.uri} can't be written: {error}", place="storage", remedy="check its name and the credentials"
        ) from error
    thread = threading.Thread(target=_keep_up, args=(mirror, ended, period_s), daemon=True, name="raysearch-mirror")
    thread.start()
    try:
        yield storage
    finally:
        ended.set()
        thread.join()
        if _tried(lambda: mirror.push(run_files(folder.path)), storage.uri):
            _tried(lambda: storage.delete("LOCK"), storage.uri)


def _keep_up(mirror: Mirror, ended: threading.Event, period_s: float) -> None:
    while not ended.wait(period_s):
        _tried(lambda: mirror.push(run_files(mirror.folder)), mirror.storage.uri)


def _tried(copy: Callable[[], object], uri: str) -> bool:
    """Copy, and only warn where the storage refuses; return whether it went well."""
    try:
        copy()
    except (OSError, pa.ArrowException) as error:
        logger.warning("the copy in %s is not up to date: %s", uri, error)
        return False
    return True


def _hold(storage: Storage, lock: RunLock) -> None:
    """Put the lock's copy into the storage, unless another driver may hold the run there."""
    try:
        present = parse_holder(storage.read("LOCK"))
    except FileNotFoundError:
        present = None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunLocked(f"who holds the run in {storage.uri} can't be read", remedy="see `raysearch resume --take-over`") from error
    if present is not None and present.life != "dead":
        raise RunLocked(
            f"{present} may still work on this run: its lock is in the storage",
            place=f"{storage.uri}/LOCK",
            remedy="look there; if it is gone: raysearch resume RUN --take-over",
        )
    storage.put_bytes(print_holder(lock.holder), "LOCK")


def take_over(folder: RunFolder, uri: str) -> None:
    """Remove the lock of a driver that is gone from a run's storage.

    Raises:
        PreflightError: the storage refuses.
    """
    storage = Storage.open(uri).child(folder.name)
    try:
        storage.delete("LOCK")
    except OSError as error:
        raise PreflightError(f"the storage {storage.uri} can't be written: {error}", place="storage") from error


def of_trial(job: Job) -> Mirror | None:
    """Return the folder of a trial and its copy; None where the run has no storage."""
    folder = Path(job.folder)
    return Mirror(folder, Storage.open(job.storage).child("trials", folder.name)) if job.storage else None


def with_copies(job: Job, send: Callable[[Message], None]) -> Callable[[Message], None]:
    """Fetch what the storage has of a trial and the disk has not; return a ``send`` that first copies what is to be told.

    So the checkpoint and the results of whatever the driver knows are in the storage, if that answers.
    """
    mirror = of_trial(job)
    if mirror is None:
        return send
    _tried(lambda: mirror.pull(anything), mirror.storage.uri)
    if job.start and not Path(job.start).exists():
        _fetch_start(Path(job.start), job)

    def send_copied(message: Message) -> None:
        pauses = LAST_TRIES_S if isinstance(message, Ended) else ()
        done = _tried(mirror.push_trial, mirror.storage.uri)
        for pause in pauses:
            if done:
                break
            time.sleep(pause)
            done = _tried(mirror.push_trial, mirror.storage.uri)
        send(message)

    return send_copied


def _fetch_start(checkpoint: Path, job: Job) -> None:
    """Fetch the checkpoint of another trial that a trial begins from."""
    donor = checkpoint.parent.parent
    mirror = Mirror(donor, Storage.open(job.storage).child("trials", donor.name))
    _tried(lambda: mirror.pull(lambda name: name == f"{CHECKPOINTS}/{checkpoint.name}"), mirror.storage.uri)


def collect(storage: Storage, folder: RunFolder, trials: Iterable[TrialRecord]) -> None:
    """Fetch the results of trials that have ended on machines whose disk is not the driver's; without checkpoints."""
    for trial in trials:
        place = folder.trial(trial.number)
        if trial.status is not None and not trial.origin and not (place / "config.json").exists():
            mirror = Mirror(place, storage.child("trials", place.name))
            _tried(lambda mirror=mirror: mirror.pull(is_result), mirror.storage.uri)  # type: ignore[misc]


def fetch_checkpoints(uri: str | None, folder: RunFolder, number: int) -> None:
    """Fetch all of a trial that the disk has not, for an order that needs its checkpoint."""
    place = folder.trial(number)
    if uri is not None:
        mirror = Mirror(place, Storage.open(uri).child(folder.name, "trials", place.name))
        _tried(lambda: mirror.pull(anything), mirror.storage.uri)


def copy_report(folder: RunFolder, uri: str) -> None:
    """Copy what was written after the driver had left: report and tables."""
    mirror = Mirror(folder.path, Storage.open(uri).child(folder.name))
    _tried(lambda: mirror.push(run_files(folder.path)), mirror.storage.uri)
