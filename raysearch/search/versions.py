"""Versions of what a result depends on, and whether they are still those that a run was started with."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import raysearch
from raysearch.errors import PreflightError
from raysearch.results.folder import RunFolder
from raysearch.results.replay import changed_versions

_PACKAGES = ("raysearch", "ray", "optuna", "torch", "numpy", "scikit-image", "pyarrow")
_DIGITS = 12


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result depends on, and the digest of raysearch's own ``code``."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}, "code": _code()}


def versions_of(folder: RunFolder) -> dict[str, str]:
    """Return `versions`, and the digest of the run's resolved ``study``."""
    return {**versions(), "study": hashlib.sha256(folder.resolved.read_bytes()).hexdigest()[:_DIGITS]}


def _code() -> str:
    root = Path(raysearch.__file__).parent
    found = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        found.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()[:_DIGITS]


def refuse_changes(before: Mapping[str, str], now: Mapping[str, str], place: Path) -> None:
    """Refuse to go on with a run under something else than it was started with.

    Raises:
        PreflightError: names what has changed.
    """
    changed = changed_versions(before, now)
    if changed:
        raise PreflightError(
            f"the run was driven with something else until now: {changed}",
            place=str(place),
            remedy="put that back, or say --accept-changes: its trials may not be comparable, and its report says so",
        )
