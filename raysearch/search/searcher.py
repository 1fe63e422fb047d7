"""Ray Tune's view of a search: a searcher that hands out jobs, and whose state is the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from ray.tune.search import Searcher

from raysearch.search.attempts import Attempts
from raysearch.search.job import Ended, Job, Reported


class TrialSource(Protocol):
    """Where the trials of a phase come from."""

    @property
    def reason(self) -> str:
        """Why there are no more trials; see `raysearch.results.events.PhaseEnded`."""

    def next(self) -> Job | None:
        """Return the next trial to run, already written to the journal; None when there is none, as far as is known now."""

    def report(self, number: int, report: Reported) -> None:
        """Take a report that was written to the journal."""

    def tell(self, number: int) -> None:
        """Take the end of a trial that was written to the journal."""

    def rests(self, number: int, step: int) -> bool:
        """Return whether a trial that has come to a step, and may go on, is to leave its worker to others first.

        Its process is ended then, and `next` gives the trial out again.
        """

    def is_resting(self, number: int) -> bool:
        """Return whether a trial was sent to rest: its process has ended, and the trial has not."""

    def judged(self, number: int, end: Ended) -> Ended:
        """Return the end of a trial as it is to be written to the journal."""


class JournalSearcher(Searcher):  # type: ignore[misc]  # Ray is untyped
    """Hands out lost trials again, then the jobs of a source. What became of them travels through the driver's callback, journal
    first."""

    def __init__(self, source: TrialSource, attempts: Attempts) -> None:
        super().__init__()
        self._source = source
        self._attempts = attempts
        self._running: set[str] = set()

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the next job as a Tune configuration; or that there are no more; or None, while a running one may be lost."""
        job = self._attempts.next() or self._source.next()
        if job is None:
            return None if self._running else self.FINISHED
        self._running.add(trial_id)
        job = self._attempts.prepared(job)
        return {"trial": job.trial, "job": job.to_json(), "avoid": list(job.avoid)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Take note that a trial of Tune's is over."""
        self._running.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Write a note: Tune wants a file, and nothing is ever read from it."""
        Path(checkpoint_path).write_text("the state of a raysearch study is its journal.jsonl\n", encoding="utf-8")

    def restore(self, checkpoint_path: str) -> None:
        """Refuse: a study is resumed from its journal."""
        raise NotImplementedError("raysearch resume RUN rebuilds the search from the journal")
