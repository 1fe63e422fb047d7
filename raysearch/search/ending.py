"""How a run ends: what is said of it in the journal, and what there is to say of one that has ended already. Needs no Ray."""

from __future__ import annotations

import time
from typing import Literal

from raysearch.errors import NoFeasibleTrial, RaysearchError, TooManyFailed
from raysearch.results.events import DriverStopped
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal
from raysearch.results.lock import RunLock
from raysearch.results.replay import Replay
from raysearch.search.budget import Limits
from raysearch.search.importance import write_importance
from raysearch.search.ledger import Ledger
from raysearch.search.options import DriverOptions, Outcome
from raysearch.search.study import StudySpec


def settled(spec: StudySpec, folder: RunFolder, options: DriverOptions, replay: Replay, journal: Journal) -> Outcome | None:
    """Return how a run whose phases are all over has ended, None when there is more to do; needs no Ray.

    Only a driver that was stopped before it could say how the run ended leaves something to write.
    """
    objective, trials = spec.objective, replay.trials()
    if any(trial.phase == "extend" and trial.status is None for trial in trials):
        return None
    ledger = Ledger(
        journal.append, metric=objective.metric, mode=objective.mode, gpus=0, observers=[options.progress], earlier=trials
    )
    problem = problem_of(spec, folder, ledger, Limits(spec.budget, ledger, 1))
    if problem is None and spec.confirm.top > 0 and "confirm" not in replay.phases:
        return None
    outcome = Outcome("done", ledger.best(), problem)
    if replay.stopped != _reason(outcome):
        write_importance(folder, spec, trials)
        write_end(ledger, outcome)
    return outcome


def problem_of(spec: StudySpec, folder: RunFolder, ledger: Ledger, limits: Limits) -> RaysearchError | None:
    """Return what is wrong with a search that is over, None when its winner can be confirmed."""
    if limits.too_many_failed:
        failed = ledger.count("search", "failed", "stalled")
        return TooManyFailed(
            f"{failed} trials failed, and budget.max_failed is {spec.budget.max_failed}",
            place=str(folder.trials),
            remedy=f"raysearch show {folder.name} lists the reasons; each trial's log.txt has the rest",
        )
    if ledger.best() is None:
        return NoFeasibleTrial(
            f"none of {len(ledger.of('search'))} trials finished with a finite {spec.objective.metric}",
            place=str(folder.trials),
            remedy=f"raysearch show {folder.name} lists the reasons",
        )
    return None


def write_end(ledger: Ledger, outcome: Outcome) -> None:
    """Write down how the driver ends."""
    message = "" if outcome.problem is None else outcome.problem.cause
    ledger.write(DriverStopped(time=time.time(), reason=_reason(outcome), message=message))


def leave(ledger: Ledger, lock: RunLock) -> None:
    """Say that the driver was interrupted, when it can't say so in the orderly way, and let the run go."""
    try:
        ledger.write_last(DriverStopped(time=time.time(), reason="interrupted", message="the cluster did not answer"))
    finally:
        lock.release()


def _reason(outcome: Outcome) -> Literal["done", "interrupted", "error"]:
    return outcome.status if outcome.problem is None else "error"
