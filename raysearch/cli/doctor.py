"""`doctor`: what this machine has, and what would stop or endanger a study on it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click

OLDEST_RAY = (2, 54)
"""Older versions delete jobs for any web page that the user opens (CVE-2026-27482)."""

COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}

RAY_PORTS = {6379: "Ray's GCS", 8265: "the Ray dashboard", 10001: "Ray Client"}


@dataclass(frozen=True)
class Finding:
    """One line of the examination; ``remedy`` is empty when all is well."""

    level: Literal["ok", "warning", "error"]
    subject: str
    fact: str
    remedy: str = ""


def examine(runs: Path) -> Iterator[Finding]:
    """Look at the interpreter, the packages, the disk under ``runs``, memory, accelerators and ports."""
    yield Finding("ok", "python", f"{sys.version.split()[0]} at {sys.executable}")
    yield from _packages()
    yield from _hardware()
    yield from _disk(runs)
    yield from _ports()
    yield from _token()


def _packages() -> Iterator[Finding]:
    for name in ("ray", "torch", "optuna", "numpy", "pyarrow", "tensorboardX"):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("error", name, "is not installed", "pip install -c constraints.txt -e .")
            continue
        if name == "ray" and tuple(int(part) for part in version.split(".")[:2]) < OLDEST_RAY:
            yield Finding("error", name, f"{version} has known security holes", "install ray 2.54 or newer")
        else:
            yield Finding("ok", name, version)


def _hardware() -> Iterator[Finding]:
    import torch

    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    yield Finding("ok", "cpu", f"{len(os.sched_getaffinity(0))} usable of {os.cpu_count()}")
    enough = pages >= 4 << 30
    fact = f"{pages / 2**30:.1f} GiB"
    yield Finding("ok", "memory", fact) if enough else Finding("warning", "memory", fact, "set resources.concurrent: 1")
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            memory = torch.cuda.get_device_properties(i).total_memory
            yield Finding("ok", f"gpu {i}", f"{torch.cuda.get_device_name(i)}, {memory / 2**30:.0f} GiB")
    else:
        yield Finding("ok", "gpu", "none: trials train on the CPU")


def _disk(runs: Path) -> Iterator[Finding]:
    folder = next(p for p in [runs.absolute(), *runs.absolute().parents] if p.exists())
    if not os.access(folder, os.W_OK):
        yield Finding("error", "runs", f"{folder} can't be written", "choose another folder with --runs")
        return
    free = shutil.disk_usage(folder).free
    fact = f"{free / 2**30:.1f} GiB free at {folder}"
    yield Finding("ok", "disk", fact) if free > 2 << 30 else Finding("warning", "disk", fact, "free some space or use --runs")
    shared = Path("/dev/shm")
    if shared.exists() and shutil.disk_usage(shared).total < 1 << 30:
        size = shutil.disk_usage(shared).total / 2**20
        yield Finding("warning", "shared memory", f"{size:.0f} MiB", "in a container: --shm-size=2g")


def _ports() -> Iterator[Finding]:
    open_to_all = set(_listening_everywhere())
    for port, owner in RAY_PORTS.items():
        if port in open_to_all:
            yield Finding("warning", f"port {port}", f"something listens on every interface where {owner} usually is",
                          "if it is Ray: start it with token authentication and behind a firewall")  # fmt: skip
        elif not _free(port):
            yield Finding("ok", f"port {port}", f"in use on loopback; {owner} of a new cluster takes another")
        else:
            yield Finding("ok", f"port {port}", "free")


def _listening_everywhere() -> Iterator[int]:
    """Ports in LISTEN state on 0.0.0.0 or ::, from the kernel's tables (Linux; elsewhere nothing is reported)."""
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, port = local.split(":")
            if state == "0A" and set(address) == {"0"}:
                yield int(port, 16)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _token() -> Iterator[Finding]:
    token = Path.home() / ".ray" / "auth_token"
    if token.exists() and token.stat().st_mode & 0o077:
        yield Finding("warning", "ray token", f"{token} can be read by other users", f"chmod 600 {token}")
    mode = os.environ.get("RAY_AUTH_MODE", "token")
    if mode != "token":
        yield Finding("warning", "ray auth", f"RAY_AUTH_MODE={mode}: whoever reaches a port can run code", "unset RAY_AUTH_MODE")
    else:
        yield Finding("ok", "ray auth", "token")


@click.command("doctor")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of the runs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor_command(runs: Path, as_json: bool) -> int:
    """Check this machine: versions, disk, memory, GPUs, ports, Ray's token. Exit code 3 when something must be mended."""
    findings = list(examine(runs))
    if as_json:
        click.echo(json.dumps([asdict(f) for f in findings], indent=2))
    else:
        for f in findings:
            click.echo(f"{click.style(f'{f.level:<7}', fg=COLOURS[f.level])}  {f.subject:<14} {f.fact}")
            if f.remedy:
                click.echo(f"{'':24} fix: {f.remedy}")
    return 3 if any(f.level == "error" for f in findings) else 0
