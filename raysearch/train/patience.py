"""Asking a disk again that refuses for a while: it is full, a network drive is gone, a folder is being moved. No torch in here."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from raysearch.errors import StorageError

if TYPE_CHECKING:
    from raysearch.train.state import TrialIO

T = TypeVar("T")

logger = logging.getLogger("raysearch")

DISK = frozenset({errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.EROFS, errno.ESTALE})
"""What only a disk answers: full, failing, gone."""

REFUSALS = DISK | {errno.EACCES, errno.ENOENT, errno.ENOTCONN, errno.ENXIO, errno.EPERM, errno.ETIMEDOUT}
"""What a disk that may answer otherwise later says to who writes a file of ours: also that the folder isn't there."""

_FIRST_S, _LONGEST_S = 0.5, 15.0


def refusal(error: OSError, place: Path, size: int | None = None) -> StorageError:
    """Return a refusal as an error that says where and, when it is known, how much was to be written (in bytes)."""
    what = "can't be used" if size is None else f"can't take {size} bytes"
    return StorageError(
        f"the disk {what}: {error.strerror or error}",
        place=str(place),
        remedy="make room or bring the disk back; nothing is lost, and `raysearch resume` goes on",
    )


def insist(
    action: Callable[[], T],
    patience_s: float,
    *,
    told: Callable[[StorageError, float], None],
    pause: Callable[[float], None] = time.sleep,
) -> T:
    """Do something that a disk may refuse, again and again with growing pauses.

    Args:
        action: raises `StorageError` when the disk refuses.
        patience_s: seconds after which the refusal is final.
        told: called with each refusal and the seconds until the next attempt.
        pause: waits for so many seconds; may raise to give up.

    Raises:
        StorageError: the last refusal.
    """
    end, wait = time.monotonic() + patience_s, _FIRST_S
    while True:
        try:
            return action()
        except StorageError as error:
            left = end - time.monotonic()
            if left <= 0:
                raise
            wait = min(2 * wait, _LONGEST_S, max(left, 0.01))
            told(error, wait)
        pause(wait)


def persistently(io: TrialIO, write: Callable[[], object]) -> None:
    """Write what a disk may refuse for a while; the refusals stand in the trial's log.

    Raises:
        StorageError: it refuses for longer than the trial's patience.
    """

    def attempt() -> None:
        try:
            write()
        except OSError as error:
            if error.errno not in REFUSALS:
                raise
            raise refusal(error, io.folder) from error

    def told(error: StorageError, wait: float) -> None:
        logger.warning("%s (%s); asked again in %.0f s", error.cause, error.place, wait)
        io.alive()

    insist(attempt, io.patience_s, told=told)
