"""The journal: the truth of a run, one event a line (`raysearch.results.journal_format`), written by one process.

A record counts once its newline is written. What a crash leaves at the end (a part of a record, zeros of a file system that
lost power) is a *torn tail*: readers pass over it, the writer cuts it off when it opens the file. Bytes that are wrong *before*
a valid record can't come from a crash: that is damage, `StateDamaged`, and only `repair` touches it.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from pydantic import ValidationError

from raysearch.errors import StateDamaged, StorageError
from raysearch.results.events import EVENT, Event
from raysearch.results.journal_format import RECORD_LIMIT, Position, decode, encode
from raysearch.train.atomic import write_atomically


class TornTail(UserWarning):
    """The journal ends in a record that was never completed; it is left out."""


@dataclass(frozen=True)
class Repaired:
    """What `repair` did."""

    kept: int
    """Records that remain."""
    dropped: int
    """Bytes that were cut off."""
    copy: Path
    """The journal as it was."""
    moved: tuple[Path, ...] = ()
    """Folders of trials whose start was cut off, where they are now: ``trials/0007.cut``; nothing reads or reuses them."""


class JournalReader:
    """Streams the events of a journal; iterating again goes on behind the last one, so a watcher can follow a growing file.

    Attributes:
        position: behind the last event that was given out.
        torn: bytes behind it that are no complete record; known when an iteration has ended.
    """

    def __init__(self, path: Path, position: Position | None = None) -> None:
        self.path = path
        self.position = position or Position()
        self.torn = 0

    def __iter__(self) -> Iterator[Event]:
        """Give out the events.

        Raises:
            StateDamaged: bytes before a valid record are wrong, a record is missing or doubled, the file can't be read, or an event
                is unknown to this version. Everything before that place has been given out by then.
        """
        for data, after in self._records():
            event = self._parse(data, after.seq)
            self.position = after
            yield event

    def _records(self) -> Iterator[tuple[dict[str, Any], Position]]:
        try:
            with self.path.open("rb") as file:
                yield from self._scan(file)
        except OSError as error:
            raise StateDamaged(f"the journal can't be read: {error.strerror}", place=str(self.path)) from error

    def _scan(self, file: BinaryIO) -> Iterator[tuple[dict[str, Any], Position]]:
        offset, seq = self.position.offset, self.position.seq
        file.seek(offset)
        torn = 0
        for line in iter(lambda: file.readline(RECORD_LIMIT), b""):
            data = decode(line)
            if data is None:
                torn += len(line)
                continue
            found = data.pop("seq")
            if torn:
                raise self._damage(f"{torn} bytes before record {found} are no record (checksum)", seq)
            if found != seq:
                raise self._damage(f"record {found} stands where record {seq} belongs", seq)
            offset, seq = offset + len(line), seq + 1
            yield data, Position(offset, seq)
        self.torn = torn

    def _parse(self, data: dict[str, Any], number: int) -> Event:
        try:
            return EVENT.validate_python(data)
        except ValidationError as error:
            raise StateDamaged(
                f"record {number - 1} is intact, but this version doesn't know such an event: {error.errors()[0]['msg']}",
                place=f"{self.path}:{number}",
                remedy="read the run with the version of raysearch that wrote it (see env.json)",
            ) from error

    def _damage(self, cause: str, seq: int) -> StateDamaged:
        return StateDamaged(
            f"the journal is damaged: {cause}; {seq} records before it are intact",
            place=f"{self.path}:{seq + 1}",
            remedy=f"raysearch resume --repair {self.path.parent} keeps a copy and goes on from the intact records",
        )


def read_journal(path: Path) -> tuple[Event, ...]:
    """Return all events; warn (`TornTail`) when the last record is incomplete.

    Raises:
        StateDamaged: see `JournalReader.__iter__`.
    """
    reader = JournalReader(path)
    events = tuple(reader)
    _warn_of_tail(reader)
    return events


def _warn_of_tail(reader: JournalReader) -> None:
    if reader.torn:
        text = f"{reader.path}: {reader.torn} bytes behind record {reader.position.seq - 1} were never completed and are left out"
        warnings.warn(text, TornTail, stacklevel=3)


def repair(path: Path) -> Repaired:
    """Cut a journal behind its last record that is intact and follows the one before; keep a copy of the file as it was.

    The folders of trials that the journal no longer knows are set aside, since their numbers will be given to other trials.
    The caller holds the run's lock. Records that are intact but unknown to this version are kept.
    """
    reader = JournalReader(path)
    end = Position()
    started: set[object] = set()
    try:
        for data, after in reader._records():
            end = after
            if data.get("event") == "trial_started":
                started.add(data.get("trial"))
    except StateDamaged:
        if not path.is_file():
            raise
    copy = _free(path)
    shutil.copyfile(path, copy)
    _sync(copy)
    dropped = path.stat().st_size - end.offset
    os.truncate(path, end.offset)
    _sync(path)
    return Repaired(end.seq, dropped, copy, _set_aside(path.parent / "trials", started))


def _set_aside(trials: Path, known: set[object]) -> tuple[Path, ...]:
    """Rename the folders of unknown trials to 0007.cut, 0007.cut-2, ..., so that no later trial finds files of theirs."""
    moved = []
    for folder in sorted(trials.iterdir()) if trials.is_dir() else ():
        if not folder.name.isdecimal() or int(folder.name) in known:
            continue
        place, number = folder.with_name(f"{folder.name}.cut"), 1
        while place.exists() or place.is_symlink():
            number += 1
            place = folder.with_name(f"{folder.name}.cut-{number}")
        moved.append(folder.rename(place))
    if moved:
        _sync(trials)
    return tuple(moved)


def _free(path: Path) -> Path:
    """Return the first of journal.damaged-1.jsonl, -2, ... that isn't there."""
    number = 1
    while (copy := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    return copy


def _sync(path: Path) -> None:
    """Make a file or a folder's entries survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def new_journal(path: Path, events: Iterable[Event]) -> None:
    """Write a journal that begins with these events, whole or not at all; there must be none.

    Raises:
        FileExistsError: there is one.
    """
    if path.exists():
        raise FileExistsError(path)
    write_atomically(path, b"".join(encode(event, number) for number, event in enumerate(events)))


class Journal:
    """The one writer of a journal. Use `Journal.open`, as a context manager; hold the run's lock."""

    def __init__(self, path: Path, descriptor: int, end: Position) -> None:
        self.path = path
        self._descriptor = descriptor
        self._end = end
        self._pending = 0
        self._refused = False

    @classmethod
    def open(cls, path: Path) -> Journal:
        """Open a journal for appending; make it if it isn't there, cut a torn tail off (with the warning `TornTail`).

        Raises:
            StateDamaged: the file is damaged before its last record; nothing was changed.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            reader = JournalReader(path)
            for _ in reader:
                pass
            _warn_of_tail(reader)
            if reader.torn:
                os.ftruncate(descriptor, reader.position.offset)
            os.fsync(descriptor)
            _sync(path.parent)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, reader.position)

    @property
    def count(self) -> int:
        """Records written so far, by earlier drivers too."""
        return self._end.seq

    def append(self, event: Event) -> int:
        """Write an event and return its number; it is on the disk when this returns.

        Raises:
            RaysearchError: the event holds a number that is not finite.
            StorageError: the disk refuses. What was written of the event is removed before the next append, which may succeed, also
                of the same event.
            StateDamaged: another process wrote to the file.
        """
        try:
            self._settle()
            line = encode(event, self._end.seq)
            self._pending, self._refused = len(line), False
            written = os.write(self._descriptor, line)
            os.fsync(self._descriptor)
        except OSError as error:
            self._refused = True
            raise self._refusal(self._pending, error.strerror or str(error)) from error
        if written != len(line):
            self._refused = True
            raise self._refusal(len(line), f"only {written} bytes fitted")
        self._advance()
        return self._end.seq - 1

    def _advance(self) -> None:
        self._end = Position(self._end.offset + self._pending, self._end.seq + 1)
        self._pending = 0

    def _settle(self) -> None:
        """Finish an append that was cut short: by a signal, then its record counts if it is complete; or by the disk, then not."""
        size = os.fstat(self._descriptor).st_size
        if self._pending and size == self._end.offset + self._pending and not self._refused:
            self._advance()
        elif self._end.offset < size <= self._end.offset + self._pending:
            os.ftruncate(self._descriptor, self._end.offset)
            self._pending, self._refused = 0, False
        elif size != self._end.offset:
            raise StateDamaged(
                f"the journal has {size} bytes instead of {self._end.offset}: another process changed it",
                place=str(self.path),
                remedy="let one driver at a time work on a run",
            )

    def _refusal(self, size: int, reason: str) -> StorageError:
        return StorageError(
            f"a record of {size} bytes can't be written to the journal: {reason}",
            place=str(self.path),
            remedy=f"make room on that disk, then: raysearch resume {self.path.parent}",
        )

    def close(self) -> None:
        """Close the file, without the part of a record that the disk has refused; closing twice is fine."""
        if self._descriptor >= 0:
            if self._refused:
                self._settle()
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
