"""Ray Tune's view of a search: a searcher that hands out jobs, and whose state is the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from ray.tune.search import Searcher

from raysearch.results.events import Status
from raysearch.search.job import Job


class TrialSource(Protocol):
    """Where the trials of a phase come from."""

    @property
    def reason(self) -> str:
        """Why there are no more trials; see `raysearch.results.events.PhaseEnded`."""

    def next(self) -> Job | None:
        """Return the next trial to run, already written to the journal; None when there are no more."""

    def report(self, number: int, step: int, value: float) -> None:
        """Take an intermediate value of the objective."""

    def tell(self, number: int, status: Status, value: float | None) -> None:
        """Take the end of a trial."""


class JournalSearcher(Searcher):  # type: ignore[misc]  # Ray is untyped
    """Hands out the jobs of a source. What became of them travels through the driver's callback, journal first."""

    def __init__(self, source: TrialSource) -> None:
        super().__init__()
        self._source = source

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        """Return the next job as a Tune configuration, or that there are no more."""
        job = self._source.next()
        return self.FINISHED if job is None else {"trial": job.trial, "job": job.to_json()}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Do nothing: see the class."""

    def save(self, checkpoint_path: str) -> None:
        """Write a note: Tune wants a file, and nothing is ever read from it."""
        Path(checkpoint_path).write_text("the state of a raysearch study is its journal.jsonl\n", encoding="utf-8")

    def restore(self, checkpoint_path: str) -> None:
        """Refuse: a study is resumed from its journal."""
        raise NotImplementedError("raysearch resume RUN rebuilds the search from the journal")
