"""Cached files that are built once and recognised when they are damaged.

A cached file has a *label* beside it (``x.pixels`` has ``x.pixels.json``): facts that the builder wants to remember, and a seal of
size, modification time and SHA-256 of the file. The label is written last, so a file without one does not count. A file whose size
and time agree with its seal is trusted; with another time it is read whole and must have the same SHA-256. So an altered or
truncated file is built anew, and a copied cache serves as it is. (An alteration that also sets the old time back is not seen.)

Builders hold a lock, so of several processes that need the same file one builds it and the others wait for it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from raysearch.data.parallel import in_order
from raysearch.errors import DataError

_log = logging.getLogger(__name__)

Facts = Mapping[str, Any]
"""Plain JSON values that a builder remembers about its file."""


def cached(path: Path, build: Callable[[Path], Facts]) -> Facts:
    """Return the facts of the sealed file ``path``, which ``build(draft)`` writes first where it is missing or damaged.

    Args:
        path: the cached file; its folder is made when needed.
        build: writes the file under the path that it is given and returns the facts.
    """
    facts = read_facts(path)
    if facts is not None:
        return facts
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        facts = read_facts(path)
        if facts is None:
            if path.exists():
                _log.warning("the cached file %s is damaged and is built anew", path)
            facts = _build(path, build)
    return facts


def read_facts(path: Path) -> Facts | None:
    """Return the facts of a sealed file, or None when file or label are missing or don't belong together."""
    try:
        label = json.loads(_label(path).read_bytes())
        body, seal = label["facts"], label["seal"]
        if label["sha256"] != digest_of({"facts": body, "seal": seal}):
            return None
        status = path.stat()
        intact = status.st_size == seal["bytes"] and (
            status.st_mtime_ns == seal["modified_ns"] or sha256_of_file(path) == seal["sha256"]
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return dict(body) if intact else None


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_hashes(files: Sequence[Path], cache: Path) -> list[str]:
    """Return the SHA-256 of each file; remembered in the cache while path, size and modification time stay the same.

    Raises:
        DataError: a file can't be read.
    """
    stamps = []
    for file in files:
        try:
            status = file.stat()
        except OSError as error:
            raise DataError(f"can't be read: {error.strerror}", place=str(file)) from error
        stamps.append((str(file), status.st_size, status.st_mtime_ns))
    path = cache / "sources" / f"{digest_of(stamps)[:24]}.stamps"

    def build(draft: Path) -> Facts:
        draft.write_text("\n".join(stamp[0] for stamp in stamps))
        return {"sha256": list(in_order(sha256_of_file, files))}

    return list(cached(path, build)["sha256"])


def digest_of(value: object) -> str:
    """Return the SHA-256 of plain JSON data, in hexadecimal; the order of keys does not count."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _build(path: Path, build: Callable[[Path], Facts]) -> Facts:
    facts: Facts
    draft = path.with_name(f".{path.name}.draft")
    try:
        facts = json.loads(json.dumps(build(draft)))  # as a later reader will see them
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        status = draft.stat()
        seal = {"bytes": status.st_size, "modified_ns": status.st_mtime_ns, "sha256": sha256_of_file(draft)}
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    body = {"facts": facts, "seal": seal}
    draft_label = _label(draft)
    draft_label.write_text(json.dumps({**body, "sha256": digest_of(body)}))
    draft_label.replace(_label(path))
    return facts


def _label(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
