"""Files that are whole or not there, whatever happens while they are written. No torch in here: results write theirs so too."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from raysearch.train.patience import REFUSALS, refusal


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is, at any moment and after a crash, either the new one or what was there before.

    Raises:
        StorageError: the disk refuses; says where and how many bytes.
    """
    try:
        _write(path, content)
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        raise refusal(error, path, len(content)) from error


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with fresh.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        with suppress(OSError):  # what is to be told is why it could not be written
            fresh.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # a folder can be opened and synchronised on POSIX only
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
