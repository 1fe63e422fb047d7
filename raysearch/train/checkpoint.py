"""Checkpoints: one file a step, written atomically, versioned, and trusted only when their digest and configuration fit.

A file is what ``torch.save`` writes (a zip archive of tensors and plain values; ``torch.load(path, weights_only=True)`` opens
it) whose archive comment reads ``raysearch-checkpoint <format> <trial key> <sha256 of all before>``. The digest is verified before
anything is parsed, and nothing but tensors and plain values is ever loaded.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from raysearch.errors import StateDamaged
from raysearch.train.atomic import write_atomically

FORMAT = 1
"""Version of what the files hold; a file of another version is refused."""

KEEP = 2
"""Checkpoints that stay in a folder: the newest and the one before it."""

_MAGIC = b"raysearch-checkpoint"
_COMMENT = re.compile(rb"raysearch-checkpoint (\d+) ([0-9a-f]{12}) ([0-9a-f]{64})\Z")
_TAIL = 200  # bytes from the end in which the comment stands
_DIGITS = 64  # of the digest
_LENGTH = 2  # an archive ends with the length of its comment, two bytes, and the comment


class CheckpointWarning(RuntimeWarning):
    """A checkpoint was refused; an older one, or none, is used."""


def path_of(folder: Path, step: int) -> Path:
    """Return where the checkpoint of ``step`` stands."""
    return folder / f"step_{step:08d}.pt"


def step_of(path: Path) -> int:
    """Return the step of a checkpoint by its name; the inverse of `path_of`."""
    return int(path.stem.removeprefix("step_"))


def save(folder: Path, key: str, step: int, state: Mapping[str, object], keep: int = KEEP, keep_every: int = 0) -> Path:
    """Write the checkpoint of ``step``, then remove all but it and the ``keep - 1`` before it.

    Files of another configuration (of a trial of the same number that the run has forgotten, or of what this one was before its
    configuration changed) go too. One of this configuration at a later step could not be used when the training resumed, and is
    the first to go.

    Args:
        folder: made if it is missing, in a folder that is there: where a disk is gone, nothing is to be written to what is below.
        key: the configuration, see `raysearch.spec.trial.TrialConfig.key`.
        state: tensors and plain values, nested in dicts and lists.
        keep_every: those whose step is a multiple of this stay, however many there are.
    """
    folder.mkdir(exist_ok=True)
    path = path_of(folder, step)
    write(path, key, state)
    for other in files(folder):
        if _owner(other) not in (key, None):
            other.unlink(missing_ok=True)
    others = [other for other in files(folder) if other != path and not (keep_every and step_of(other) % keep_every == 0)]
    others.sort(key=lambda other: other.name > path.name)  # stable: the newest before this step stay first
    for old in others[max(0, keep - 1) :]:
        old.unlink(missing_ok=True)
    return path


def write(path: Path, key: str, state: Mapping[str, object]) -> None:
    """Write one checkpoint, whole or not at all, in the place of what was there; see `save` for the arguments."""
    write_atomically(path, _pack(key, state))


def _owner(path: Path) -> str | None:
    """Return the configuration that a file says it belongs to, unverified; None when it says nothing."""
    try:
        with path.open("rb") as file:
            file.seek(-min(_TAIL, path.stat().st_size), os.SEEK_END)
            found = _COMMENT.search(file.read())
    except OSError:
        return None  # unreadable: `read` tells why when it is asked for this file
    return found[2].decode() if found else None


def newest(folder: Path, key: str, before: str | None = None) -> bytes | None:
    """Return the verified content of the newest checkpoint of this configuration, or None.

    A file that is damaged, of another version or of another configuration is passed over with a `CheckpointWarning`.

    Args:
        before: the configuration that the trial had before this one, whose files are no surprise.
    """
    for path in files(folder):
        if before not in (None, key) and _owner(path) == before:
            continue
        try:
            return read(path, key)
        except StateDamaged as error:
            warnings.warn(f"{error.cause}; an older checkpoint is used if there is one", CheckpointWarning, stacklevel=2)
    return None


def usable(folder: Path) -> Iterator[tuple[int, str]]:
    """Yield step and configuration of the checkpoints that are neither damaged nor of another version, newest first."""
    for path in files(folder):
        key = _owner(path)
        try:
            read(path, key)
        except StateDamaged:
            continue
        yield step_of(path), key or ""


def read(path: Path, key: str | None = None) -> bytes:
    """Return the verified content of a checkpoint.

    Args:
        key: the configuration that it must belong to; None accepts any.

    Raises:
        StateDamaged: it is unreadable, truncated, altered, of another version or of another configuration.
    """
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise StateDamaged(f"checkpoint {path} can't be read: {error.strerror or error}") from error
    found = _COMMENT.search(blob[-_TAIL:])
    if found is None:
        raise StateDamaged(f"{path} is no whole raysearch checkpoint: its closing mark is missing")
    version, owner, digest = int(found[1]), found[2].decode(), found[3].decode()
    if version != FORMAT:
        raise StateDamaged(f"checkpoint {path} has format {version}; this raysearch reads format {FORMAT}")
    if _digest(blob[: -len(found[0])], found[0]) != digest:
        raise StateDamaged(f"checkpoint {path} was altered or damaged: its digest does not fit")
    if key is not None and owner != key:
        raise StateDamaged(f"checkpoint {path} belongs to another configuration ({owner}, not {key})")
    return blob


def parse(blob: bytes) -> dict[str, object]:
    """Return the state in verified bytes, on the CPU.

    Raises:
        StateDamaged: there is something else in it than tensors and plain values; nothing of it was executed.
    """
    try:
        state: dict[str, object] = torch.load(io.BytesIO(blob), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        cause = str(error).splitlines()[0]
        raise StateDamaged(f"a checkpoint holds something else than tensors and plain values: {cause}") from error
    return state


def _pack(key: str, state: Mapping[str, object]) -> bytes:
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    comment = b"%s %d %s %s" % (_MAGIC, FORMAT, key.encode(), b"0" * _DIGITS)
    body = buffer.getvalue()[:-_LENGTH] + len(comment).to_bytes(_LENGTH, "little")
    return body + comment[:-_DIGITS] + _digest(body, comment).encode()


def _digest(body: bytes, comment: bytes) -> str:
    """Return the SHA-256 of everything that stands before the digest."""
    found = hashlib.sha256(body)
    found.update(comment[:-_DIGITS])
    return found.hexdigest()


def files(folder: Path) -> list[Path]:
    """List the checkpoints of a folder, newest first."""
    return sorted(folder.glob("step_*.pt"), key=lambda path: path.name, reverse=True)
