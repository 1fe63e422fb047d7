"""What the driver does with Ray Tune's events: journal first, then the searcher; and cleaning up after killed trials."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import tune

from raysearch.results.events import Status
from raysearch.search.job import Ended, Job, message_from_json, train_storage
from raysearch.search.ledger import Ledger
from raysearch.search.ray_internals import remove_group
from raysearch.search.searcher import TrialSource

if TYPE_CHECKING:
    from ray.tune.experiment import Trial

_ERROR_LINE = re.compile(r"^\s*([\w.]*(?:Error|Exception|Exit|Interrupt|Died)\w*)(?::|$)")


class DriverCallback(tune.Callback):  # type: ignore[misc]  # Ray is untyped
    """Turns Tune's events into the run's.

    Args:
        metric: name of the objective.
        trains: trials are Ray Train runs, whose placement groups have to be watched.
    """

    def __init__(self, ledger: Ledger, source: TrialSource, metric: str, *, trains: bool) -> None:
        self._ledger = ledger
        self._source = source
        self._metric = metric
        self._trains = trains
        self._ends: dict[int, Ended] = {}

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Remove what an earlier process of the trial has left."""
        self._reap(trial)

    def on_trial_result(self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Write a report down and tell the searcher; keep an end until Tune has ended the trial too."""
        number = trial.config["trial"]
        message = message_from_json(result["message"])
        if isinstance(message, Ended):
            self._ends[number] = message
        elif self._ledger.reported(number, message):
            self._source.report(number, message.step, message.metrics[self._metric])

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Write down how a trial ended; one that did not say so itself was stopped by the scheduler."""
        self._reap(trial)
        number = trial.config["trial"]
        end = self._ends.pop(number) if number in self._ends else self._stopped(number)
        self._end(number, end)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Write down that a trial failed for good."""
        self._reap(trial)
        number = trial.config["trial"]
        entry = self._ledger.entries[number]
        reason = reason_of(trial)
        status: Status = "out_of_memory" if "OutOfMemory" in reason else "failed"
        self._end(number, Ended(status, entry.step, None, entry.seconds - entry.carried, reason, {}))

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Write down that a trial was lost and goes on from its checkpoint."""
        self._reap(trial)
        self._ledger.retried(trial.config["trial"], reason_of(trial))

    def _end(self, number: int, end: Ended) -> None:
        self._ledger.ended(number, end)
        self._source.tell(number, end.status, end.value)

    def _stopped(self, number: int) -> Ended:
        entry = self._ledger.entries[number]
        step, value = entry.points[-1] if entry.points else (0, None)
        return Ended("stopped", step, value, entry.seconds - entry.carried, "", {})

    def _reap(self, trial: Trial) -> None:
        """Remove what a Ray Train run that was stopped or killed has left."""
        if self._trains:
            remove_group(trial.trial_id)
            shutil.rmtree(train_storage(Job.from_json(trial.config["job"])), ignore_errors=True)


def reason_of(trial: Trial) -> str:
    """Return one line that says why a trial's process failed."""
    path = trial.error_file
    text = Path(path).read_text(encoding="utf-8", errors="replace") if path and Path(path).is_file() else ""
    lines = [line.strip() for line in text.split("Failure #")[-1].splitlines()[1:] if line.strip()]
    named = [line for line in lines if _ERROR_LINE.match(line)]
    return (named[-1] if named else lines[0] if lines else "the trial's process was lost")[:500]
