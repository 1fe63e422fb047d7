"""Which machines trials avoid: those on which one after the other failed at once, for the same cause."""

from __future__ import annotations

from collections.abc import Collection

QUICK_S = 60.0
"""A failure later than this after the start of its process says nothing about the machine."""


class Quarantine:
    """Counts quick failures by machine; knows nothing of Ray.

    Args:
        limit: so many in a row, of one cause, and the machine is avoided; None avoids none.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._quick: dict[str, tuple[str, int]] = {}
        self._bad: dict[str, str] = {}

    @property
    def bad(self) -> tuple[str, ...]:
        """The machines on which trials fail."""
        return tuple(sorted(self._bad))

    @property
    def suspects(self) -> bool:
        """Whether a machine is on its way there, so that it matters where trials succeed."""
        return bool(self._quick)

    def succeeded(self, node: str) -> None:
        """Take note that a trial got somewhere on a machine."""
        self._quick.pop(node, None)

    def failed(self, node: str, cause: str, seconds: float) -> bool:
        """Take note of a failure.

        Args:
            node: id of the machine.
            cause: the kind of the failure.
            seconds: since the process began with the trial.

        Returns:
            Whether the machine is avoided from here on, because of this.
        """
        if seconds > QUICK_S or self._limit is None or node in self._bad:
            return False
        before, times = self._quick.get(node, (cause, 0))
        times = times + 1 if before == cause else 1
        self._quick[node] = (cause, times)
        if times < self._limit:
            return False
        self._bad[node] = cause
        return True

    def avoided(self, alive: Collection[str]) -> tuple[str, ...]:
        """Return which of the machines that are there to avoid; none if no other one is there."""
        bad = sorted(self._bad.keys() & set(alive))
        return tuple(bad) if len(bad) < len(alive) else ()
