"""A run as an Optuna study in a journal file, which optuna-dashboard and ``optuna.load_study`` open.

Only the trials of the search are in it: a confirmation repeats a configuration with another seed. A trial that was stopped early
is pruned, one without a value has failed; the attribute ``status`` tells which of our states it had. Values of `ordered` domains
and the like are categories here, so that they can be read. The study is a copy for others: raysearch never reads it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from raysearch.errors import SpecError
from raysearch.results.events import Leaf, Status
from raysearch.results.goals import Goals, metrics_of
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.spec.domains import Domain, Float, Int
from raysearch.spec.space import Space

_STATES: Mapping[Status, TrialState] = {
    "finished": TrialState.COMPLETE,
    "infeasible": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
}


def write_optuna(record: RunRecord, path: Path) -> int:
    """Write a run's search as a study with the run's name; return how many trials it has.

    Raises:
        SpecError: the file is there already, or the run's study can't be read.
    """
    if path.exists():
        raise SpecError("this file is there already", place=str(path), remedy="name another one, or delete it")
    goals = Goals.of(record.spec)
    template = record.spec.get("trial")
    if goals is None or not isinstance(template, Mapping):
        raise SpecError("the run's study can't be read", place="resolved.yaml", remedy="--format parquet needs the journal only")
    space = Space.parse(dict(template))
    trials = [_trial_of(record, trial, space, goals) for trial in record.trials if trial.phase == "search"]
    path.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    directions = [StudyDirection.MAXIMIZE if goal.mode == "max" else StudyDirection.MINIMIZE for goal in goals.goals]
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name=record.name, directions=directions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # the names of objectives, for optuna-dashboard
        study.set_metric_names([goal.metric for goal in goals.goals])
    study.add_trials(trials)
    return len(trials)


def _trial_of(record: RunRecord, trial: TrialRecord, space: Space, goals: Goals) -> FrozenTrial:
    if not space.fits(trial.values):
        raise SpecError(
            f"trial {trial.number} has values that are not in the run's search space",
            remedy="--format parquet needs the journal only",
        )
    state, values = _told(record, trial, goals)
    complete = state == TrialState.COMPLETE
    metrics = metrics_of(trial, goals)
    constraints = {text: _finite(excess) for text, excess in goals.excesses(metrics, trial.facts).items()} if complete else {}
    frozen = create_trial(
        state=state,
        values=values,
        params=dict(trial.values),
        distributions={name: distribution(space.domains[name]) for name in trial.values},
        user_attrs=_attributes(record, trial),
        intermediate_values={} if goals.several else _curve(trial, goals.headline.metric),
        constraints=constraints or None,
    )
    frozen.datetime_start = datetime.fromtimestamp(trial.started)
    frozen.datetime_complete = datetime.fromtimestamp(trial.ended or record.updated) if state.is_finished() else None
    return frozen


def distribution(domain: Domain) -> BaseDistribution:
    """Return Optuna's form of a domain in which its values stand as they are."""
    if isinstance(domain, Int):
        return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
    if isinstance(domain, Float):
        return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
    return CategoricalDistribution(domain.options)


def _told(record: RunRecord, trial: TrialRecord, goals: Goals) -> tuple[TrialState, tuple[float, ...] | None]:
    """Return state and values; a trial that has not ended runs only as long as a driver lives."""
    if trial.status is None:
        return (TrialState.RUNNING if record.holder else TrialState.FAIL), None
    state = _STATES.get(trial.status, TrialState.FAIL)
    try:
        values = goals.raw(metrics_of(trial, goals), trial.facts)
    except KeyError:
        values = ()
    if not values or not all(map(math.isfinite, values)):
        return (TrialState.FAIL if state == TrialState.COMPLETE else state), None
    return state, values if state == TrialState.COMPLETE or (state == TrialState.PRUNED and not goals.several) else None


def _curve(trial: TrialRecord, metric: str) -> dict[int, float]:
    return {point.step: value for point in trial.reports if math.isfinite(value := point.metrics.get(metric, math.nan))}


def _attributes(record: RunRecord, trial: TrialRecord) -> dict[str, Leaf]:
    """Return what else is known of a trial: our number and state, its facts, and its last metrics."""
    known: dict[str, Leaf] = {
        "trial": trial.number,
        "status": trial.status or ("running" if record.holder else "interrupted"),
        "role": trial.role,
    }
    known |= {"seed": trial.seed, "steps": trial.steps, "step": trial.step, "seconds": trial.seconds, "reason": trial.reason}
    known |= {f"facts.{name}": value for name, value in trial.facts.items()}
    last = trial.reports[-1].metrics if trial.reports else {}
    return known | {f"metrics.{name}": value for name, value in last.items() if math.isfinite(value)}


def _finite(excess: float) -> float:
    return min(excess, 1e9)
