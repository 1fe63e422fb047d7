"""How a trial tells its progress: the same call in process, in a Ray Tune trial and in a Ray Train worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Report:
    """One evaluation during a trial.

    Attributes:
        step: optimisation steps done.
        steps: steps at full length.
        metrics: see `raysearch.results.events.TrialReported`; every value is finite.
    """

    step: int
    steps: int
    metrics: dict[str, float]


class StopTrial(Exception):
    """Raised by a reporter to end the trial in an orderly way at this point."""


class Reporter(Protocol):
    """Receives reports. Called on rank 0 only, after the checkpoint of the same step was written.

    A resumed trial sends the report of its checkpoint again, since its process may have been lost between the two: a step that
    has been received already is the same report, not a new one.
    """

    def report(self, report: Report) -> None:
        """Take a report; may raise `StopTrial`."""


class ListReporter:
    """Keeps the reports in a list: for tests and for `raysearch train`."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def report(self, report: Report) -> None:
        """Append the report."""
        self.reports.append(report)
