"""How a driver is asked to end: a file STOP in the run's folder, which it looks for; this works from another host as well.

The request names the lock that it is for, so that one that comes too late ends no later driver. It is plain JSON, and ending a
driver in an orderly way is all that it can do.
"""

from __future__ import annotations

import json
import stat
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from raysearch.errors import RunLocked
from raysearch.results.folder import RunFolder
from raysearch.results.lock import Holder
from raysearch.train.atomic import write_atomically

_SIZE_LIMIT = 4096


@dataclass(frozen=True)
class StopRequest:
    """What a user asks of a driver.

    Attributes:
        token: of the lock that the driver holds.
        now: whether running trials end at once (at most one report interval is lost); else they run to their end, and no new one
            starts.
    """

    token: str
    now: bool

    def write(self, path: Path) -> None:
        """Put the request down for the driver, in the place of an earlier one."""
        write_atomically(path, json.dumps(asdict(self)).encode() + b"\n")


def read_request(path: Path) -> StopRequest | None:
    """Return a request; None if there is none, or what is there is none."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _SIZE_LIMIT:
            return None
        data = json.loads(path.read_bytes())
        return StopRequest(str(data["token"]), bool(data["now"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def ask_to_stop(folder: RunFolder, *, now: bool) -> Holder | None:
    """Ask the driver of a run to end; return who it is, None if the run has no driver that lives.

    Raises:
        RunLocked: LOCK can't be read.
    """
    holder = folder.holder()
    if holder is None or holder.life == "dead":
        return None
    StopRequest(holder.token, now).write(folder.stop_file)
    return holder


def wait_for_end(folder: RunFolder, holder: Holder, seconds: float) -> bool:
    """Wait until a driver has let its run go; return False when it has not done so in time.

    Raises:
        RunLocked: LOCK can't be read.
    """
    end = time.monotonic() + seconds
    while (present := folder.holder()) is not None and present.token == holder.token:
        if present.life == "dead":
            raise RunLocked(
                f"{holder} died before it could let the run go",
                place=str(folder.lock_file),
                remedy="nothing is lost: resume the run",
            )
        if time.monotonic() >= end:
            return False
        time.sleep(0.2)
    return True
