"""What the driver does with Ray Tune's events: journal first, then the searcher; and cleaning up after killed trials."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import tune

from raysearch.errors import DataError, RaysearchError, StorageError
from raysearch.results.events import Cause, Status
from raysearch.search.attempts import Attempts
from raysearch.search.job import Ended, GaveUp, Job, message_from_json, train_storage
from raysearch.search.ledger import Ledger
from raysearch.search.ray_internals import actor_of, remove_group
from raysearch.search.searcher import TrialSource
from raysearch.search.watchdog import stalled
from raysearch.train.files import LOG

if TYPE_CHECKING:
    from ray.tune.experiment import Trial

_HALTS: Mapping[str, type[RaysearchError]] = {"data": DataError, "storage": StorageError}
_STATUS: Mapping[Cause, Status] = {
    "lost": "failed",
    "preempted": "failed",
    "stalled": "stalled",
    "out_of_memory": "out_of_memory",
}
_ERROR_LINE = re.compile(r"^\s*([\w.]*(?:Error|Exception|Exit|Interrupt|Died)\w*)(?::|$)")


class DriverCallback(tune.Callback):  # type: ignore[misc]  # Ray is untyped
    """Turns Tune's events into the run's.

    Args:
        attempts: starts lost trials again.
        halt: ends the run because of something that no trial is to blame for.
        trains: trials are Ray Train runs, whose placement groups have to be watched.
    """

    def __init__(
        self, ledger: Ledger, source: TrialSource, attempts: Attempts, halt: Callable[[Exception], None], *, trains: bool
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._attempts = attempts
        self._halt = halt
        self._trains = trains
        self._ends: dict[int, Ended] = {}
        self._gave_up: dict[int, GaveUp] = {}

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Remove what an earlier process of the trial has left."""
        self._reap(trial)
        self._attempts.started(trial.config["trial"], "" if self._trains else actor_of(trial))

    def on_trial_result(self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Write a report down and tell the searcher; keep an end until Tune has ended the trial too."""
        number = trial.config["trial"]
        message = message_from_json(result["message"])
        if isinstance(message, Ended):
            self._ends[number] = message
        elif isinstance(message, GaveUp):
            self._gave_up[number] = message
        elif self._ledger.reported(number, message):
            self._source.report(number, message)

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Write down how a trial ended; one that did not say so itself was stopped by the scheduler."""
        self._reap(trial)
        number = trial.config["trial"]
        if number not in self._ends and self._source.is_resting(number):
            self._ledger.rested(number)
            return
        end = self._ends.pop(number) if number in self._ends else self._stopped(number)
        self._attempts.ended(number, end)
        self._end(number, end)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Let a trial whose process was lost go on, or write down that it is over."""
        self._reap(trial)
        job = Job.from_json(trial.config["job"])
        said = self._gave_up.pop(job.trial, None)
        if said is not None and said.kind in _HALTS:
            self._halt(_HALTS[said.kind](said.cause, place=said.place, remedy=said.remedy))
            return
        reason = reason_of(trial) if said is None else said.cause
        cause = cause_of(job, said, reason)
        if not self._attempts.again(job, cause, reason):
            entry = self._ledger.entries[job.trial]
            self._end(job.trial, Ended(_STATUS[cause], entry.step, None, entry.seconds - entry.carried, reason, {}))

    def _end(self, number: int, end: Ended) -> None:
        self._ledger.ended(number, self._source.judged(number, end))
        self._source.tell(number)

    def _stopped(self, number: int) -> Ended:
        entry = self._ledger.entries[number]
        step, value = entry.points[-1] if entry.points else (0, None)
        return Ended("stopped", step, value, entry.seconds - entry.carried, "", {})

    def _reap(self, trial: Trial) -> None:
        """Remove what a Ray Train run that was stopped or killed has left."""
        if self._trains:
            remove_group(trial.trial_id)
            shutil.rmtree(train_storage(Job.from_json(trial.config["job"])), ignore_errors=True)


def cause_of(job: Job, said: GaveUp | None, reason: str) -> Cause:
    """Return why a trial's process was lost.

    Args:
        said: the process's own last words, None when it had none.
        reason: what Ray knows of its end.
    """
    if said is not None and said.kind in ("preempted", "out_of_memory"):
        return said.kind
    if "OutOfMemory" in reason:
        return "out_of_memory"
    if "preempt" in reason.lower():
        return "preempted"
    return "stalled" if stalled(Path(job.folder) / LOG) else "lost"


def reason_of(trial: Trial) -> str:
    """Return one line that says why a trial's process failed."""
    path = trial.error_file
    text = Path(path).read_text(encoding="utf-8", errors="replace") if path and Path(path).is_file() else ""
    lines = [line.strip() for line in text.split("Failure #")[-1].splitlines()[1:] if line.strip()]
    named = [line for line in lines if _ERROR_LINE.match(line)]
    return (named[-1] if named else lines[0] if lines else "the trial's process was lost")[:500]
