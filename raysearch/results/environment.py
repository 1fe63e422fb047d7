"""What a run depended on besides its file: versions, machine, commit, command line. Becomes ``env.json``.

Only what is named here is recorded; never the variables of the environment, which may hold secrets.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

_SECONDS = 10


def capture(command: Sequence[str], folder: Path, gpus: Sequence[str] | None = None) -> dict[str, object]:
    """Describe the environment as plain JSON data.

    Args:
        command: the command line.
        folder: the working directory; its git commit is recorded if it lies in a repository.
        gpus: the GPUs by name; nvidia-smi is asked when it is not given.

    Returns:
        command, working_directory, host, platform, python, versions (by package), cpu {model, count, usable}, memory_gib, gpus, and
        git {commit, dirty} or None.
    """
    return {
        "command": list(command),
        "working_directory": str(folder),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": versions(),
        "cpu": {"model": _cpu_model(), "count": os.cpu_count() or 1, "usable": _usable_cpus()},
        "memory_gib": _memory_gib(),
        "gpus": list(_gpus() if gpus is None else gpus),
        "git": _git(folder),
    }


def versions() -> dict[str, str]:
    """Return the versions of raysearch and of the packages that it requires, as far as they are installed."""
    found = {"raysearch": _version("raysearch")}
    for requirement in metadata.requires("raysearch") or []:
        if "extra ==" in requirement:
            continue
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        found[name] = _version(name)
    return {name: version for name, version in found.items() if version}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    named = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
    return named.group(1).strip() if named else platform.machine()


def _usable_cpus() -> int:
    """Count the CPUs that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gib() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 2)


def _gpus() -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    lines = _ask("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    return lines.splitlines() if lines else []


def _git(folder: Path) -> dict[str, object] | None:
    """Return the commit and whether a tracked file was changed since; None outside a repository or without git."""
    git = ("git", "-c", "core.fsmonitor=false", "-C", str(folder))
    commit = _ask(*git, "rev-parse", "HEAD")
    changes = _ask(*git, "status", "--porcelain", "--untracked-files=no")
    return None if not commit or changes is None else {"commit": commit, "dirty": bool(changes)}


def _ask(*command: str) -> str | None:
    """Return what a program prints; None if it isn't there, fails or takes too long."""
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
