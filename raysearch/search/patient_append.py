"""Writing to the journal of a disk that may refuse for a while: the driver waits, and so do the trials at their next report."""

from __future__ import annotations

import time
from collections.abc import Callable

from raysearch.errors import StorageError
from raysearch.results.events import Event
from raysearch.search.interrupt import Interrupt
from raysearch.train.patience import insist

_LOOK_S = 0.2


class PatientAppend:
    """Appends events, in their order, as soon as the disk lets it.

    Args:
        append: `raysearch.results.journal.Journal.append`.
        patience_s: seconds after which a refusal is final.
        interrupt: a signal ends the waiting.
        told: called with a sentence for the user whenever the disk has refused.
    """

    def __init__(
        self, append: Callable[[Event], object], patience_s: float, interrupt: Interrupt, told: Callable[[str], None]
    ) -> None:
        self._append = append
        self._patience_s = patience_s
        self._interrupt = interrupt
        self._told = told

    def __call__(self, event: Event) -> None:
        """Append an event.

        Raises:
            StorageError: the disk refused for too long, or until the user lost patience.
        """
        insist(lambda: self._append(event), self._patience_s, told=self._tell, pause=self._pause)

    def _tell(self, error: StorageError, wait: float) -> None:
        if self._interrupt.signal is not None:
            raise error
        self._refusal = error
        self._told(f"the study waits for its disk: {error.cause} (at {error.place}); asked again in {wait:.0f} s")

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._interrupt.signal is not None:
                raise self._refusal
            time.sleep(min(left, _LOOK_S))
