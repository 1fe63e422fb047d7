"""What a running study tells: each event of the journal with a summary of where the study stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from raysearch.results.events import Event, Phase

if TYPE_CHECKING:
    from raysearch.search.session import Session


@dataclass(frozen=True)
class Best:
    """The best trial so far: finished, with a finite value. Trials that were stopped early are never the best."""

    trial: int
    value: float


@dataclass(frozen=True)
class Summary:
    """Where a phase stands.

    Attributes:
        phase: search or confirm.
        planned: trials that the phase will have; None when only time limits it.
        counts: trials of the phase by state: the statuses of `raysearch.results.events.Status`, and ``running``.
        best: best trial of the search.
        seconds: monotonic time since this driver started, in seconds.
        gpu_hours: GPU time spent on trials, in hours.
    """

    phase: Phase
    planned: int | None
    counts: Mapping[str, int]
    best: Best | None
    seconds: float
    gpu_hours: float


class Observer(Protocol):
    """Sees each event right after it was written to the journal."""

    def on_event(self, event: Event, summary: Summary) -> None:
        """Take an event."""


class Progress(Observer, Protocol):
    """What the command line implements to show a running study."""

    def on_session(self, session: Session) -> None:
        """Take the address of the dashboard and warnings, before the first trial."""

    def on_trouble(self, text: str) -> None:
        """Take a sentence about what the study waits for."""


class NoProgress:
    """Shows nothing."""

    def on_session(self, session: Session) -> None:
        """Do nothing."""

    def on_trouble(self, text: str) -> None:
        """Do nothing."""

    def on_event(self, event: Event, summary: Summary) -> None:
        """Do nothing."""
