"""The lock that keeps two drivers apart: a file LOCK in the run's folder that says who holds it.

A lock is taken over only from a process that is provably dead (see `raysearch.results.process`), never because time has passed:
a laptop that slept, or a disk that hung, still holds its run. Where nothing can be proved, for example on another host, the
error says who holds the lock, and a person decides.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from raysearch.errors import RunLocked
from raysearch.results.process import Life, ProcessIdentity, this_process

_SIZE_LIMIT = 65536


@dataclass(frozen=True)
class Holder:
    """What LOCK says.

    Attributes:
        process: the driver.
        since: when it took the run, seconds since the epoch.
        token: random; tells this lock from any other.
    """

    process: ProcessIdentity
    since: float
    token: str

    def __str__(self) -> str:
        return f"process {self.process.pid} on {self.process.host or 'an unnamed host'}"

    @property
    def life(self) -> Life:
        """Whether it still lives, as far as this process can prove."""
        return this_process().judge(self.process)


def read_holder(path: Path) -> Holder | None:
    """Return what a LOCK file says; None if it isn't there.

    Raises:
        RunLocked: the file is there, but what it says can't be understood.
    """
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise _unreadable(path, "it is no plain file")
        with path.open("rb") as file:
            return parse_holder(file.read(_SIZE_LIMIT))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error


def _unreadable(path: Path, reason: str) -> RunLocked:
    return RunLocked(
        f"who holds the run can't be read: {reason}", place=str(path), remedy="if no driver works on it, delete that file"
    )


def parse_holder(text: bytes) -> Holder:
    """Read what `print_holder` wrote.

    Raises:
        ValueError, TypeError, KeyError: it is something else.
    """
    data = json.loads(text)
    process = data["process"]
    pid = int(process["pid"])
    if pid < 1:
        raise ValueError(f"pid {pid}")
    fields = {name: _plain(process[name]) for name in ("host", "machine", "boot", "namespace", "born")}
    return Holder(ProcessIdentity(pid=pid, **fields), float(data["since"]), _plain(data["token"]))


def _plain(value: object) -> str:
    """Keep what a terminal prints as it stands: the file may come from anywhere."""
    return "".join(letter for letter in str(value)[:255] if letter.isprintable())


def print_holder(holder: Holder) -> bytes:
    """Return the content of a LOCK."""
    return json.dumps({"process": asdict(holder.process), "since": holder.since, "token": holder.token}, indent=1).encode() + b"\n"


class RunLock:
    """A held lock; use `take` as a context manager. Children of the process don't hold it."""

    def __init__(self, path: Path, holder: Holder) -> None:
        self.path = path
        self.holder = holder

    @classmethod
    def take(cls, path: Path, now: float) -> RunLock:
        """Take the lock, at once or not at all.

        Args:
            path: the file LOCK.
            now: seconds since the epoch, written into it for people.

        Raises:
            RunLocked: another process holds it, or may hold it.
        """
        mine = Holder(this_process(), now, secrets.token_hex(16))
        for _ in range(3):
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            except FileExistsError:
                if not _take_over(path, mine):
                    continue
            else:
                _fill(descriptor, mine)
            return cls(path, mine)
        raise _contended(path)

    def release(self) -> None:
        """Delete the file, unless somebody else has taken the run by hand meanwhile; releasing twice is fine."""
        if os.getpid() != self.holder.process.pid:
            return
        try:
            present = read_holder(self.path)
        except RunLocked:
            return
        if present is not None and present.token == self.holder.token:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def _fill(descriptor: int, holder: Holder) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(print_holder(holder))
        file.flush()
        os.fsync(file.fileno())


def _take_over(path: Path, mine: Holder) -> bool:
    """Replace the lock of a dead process; False if the lock is gone. A kernel lock on the file keeps two that try apart."""
    judged = read_holder(path)
    if judged is None:
        return False
    _refuse_unless_dead(path, judged)
    try:
        with path.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if read_holder(path) != judged or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                raise _contended(path)
            fresh = path.with_name(f"{path.name}.{mine.token}")
            _fill(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), mine)
            fresh.replace(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _contended(path) from error
    return True


def _contended(path: Path) -> RunLocked:
    return RunLocked(
        "the lock of a dead driver can't be taken over: another driver is taking it, or this file system has no locks",
        place=str(path),
        remedy="try again; if no driver works on the run, delete that file",
    )


def _refuse_unless_dead(path: Path, holder: Holder) -> None:
    life = holder.life
    if life == "alive":
        raise RunLocked(
            f"{holder} works on this run", place=str(path), remedy=f"wait for it, or stop it: raysearch stop {path.parent}"
        )
    if life == "unknown":
        raise RunLocked(
            f"{holder} may still work on this run: from here nobody can tell",
            place=str(path),
            remedy="look there; if it is gone, delete that file",
        )
