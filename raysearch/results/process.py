"""Who a process is, in a way that another process can check later: a number alone is reused, a host name alone is shared."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Life = Literal["alive", "dead", "unknown"]

_FIRST_PID_NAMESPACE = "pid:[4026531836]"
"""Linux gives the namespace outside all containers this fixed number."""


@dataclass(frozen=True)
class ProcessIdentity:
    """A process on some machine. Text fields are empty where the system doesn't tell.

    Attributes:
        pid: its number within `namespace`.
        host: the host's name.
        machine: identifies the installed system; copies of a container image may share it.
        boot: changes each time the machine starts.
        namespace: within which `pid` means something; differs between containers of one machine.
        born: when the process started, in the system's own words; tells it from a later one with the same number.
    """

    pid: int
    host: str
    machine: str
    boot: str
    namespace: str
    born: str

    def judge(self, other: ProcessIdentity) -> Life:
        """Say whether ``other`` still lives, seen from this process; ``dead`` only where that is certain.

        It is certain when the number is free or was given to a later process (same boot, same namespace), or when the machine
        itself was restarted since (same machine, neither process in a container).
        """
        if not (self.boot and other.boot):
            return "unknown"
        if self.boot == other.boot:
            if self.namespace != other.namespace or not other.born:
                return "unknown"
            born = birth(other.pid)
            if not born and _is_there(other.pid):
                return "unknown"
            return "alive" if born == other.born else "dead"
        same_machine = bool(self.machine) and (self.machine, self.host) == (other.machine, other.host)
        outside = self.namespace == other.namespace and self.namespace in ("", _FIRST_PID_NAMESPACE)
        return "dead" if same_machine and outside else "unknown"


def this_process() -> ProcessIdentity:
    """Describe the calling process."""
    pid = os.getpid()
    return ProcessIdentity(pid, socket.gethostname(), _machine(), _boot(), _namespace(), birth(pid))


def birth(pid: int) -> str:
    """Return when a process started; ``ended`` for a zombie, which can do nothing any more; empty where it can't be seen."""
    if sys.platform != "linux":
        return _ask("ps", "-o", "lstart=", "-p", str(pid))
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if not fields:
        return ""
    return "ended" if fields[0] in "ZX" else fields[19]


def _is_there(pid: int) -> bool:
    """Say whether the number is in use, by a process that may be hidden from this user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _boot() -> str:
    if sys.platform == "darwin":
        return _ask("sysctl", "-n", "kern.bootsessionuuid")
    return _text("/proc/sys/kernel/random/boot_id").strip()


def _machine() -> str:
    if sys.platform == "darwin":
        return _ask("sysctl", "-n", "kern.uuid")
    return _text("/etc/machine-id").strip()


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _ask(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
