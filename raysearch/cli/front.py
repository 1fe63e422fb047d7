"""The Pareto front of a run with several objectives, on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from raysearch.cli.console import metric_text, values_text
from raysearch.results.goals import Goals, metrics_of
from raysearch.results.pareto import front_of
from raysearch.results.record import RunRecord, TrialRecord

Pick = Literal["headline", "knee", "front"]


def front_lines(record: RunRecord) -> Iterator[str]:
    """Print the front, best by the first objective first; nothing with one objective."""
    found = front_of(record.trials, Goals.of(record.spec))
    if found is None:
        return
    yield f"  Pareto front of {', '.join(goal.metric for goal in found.goals.goals)}, {len(found.trials)} trials:"
    for i, trial in enumerate(found.trials):
        knee = "  (knee)" if i == found.knee else ""
        yield f"  trial {trial.number:04d}  {_scores(trial, found.goals)}  {values_text(trial.values)}{knee}"


def picked(record: RunRecord, pick: Pick, ranked: list[TrialRecord]) -> list[TrialRecord]:
    """Return the trials that are meant: ``ranked`` by the first objective, the front, or the front's knee.

    With one objective the front and its knee are the best trial.
    """
    found = front_of(record.trials, Goals.of(record.spec))
    if pick == "headline" or not ranked:
        return ranked
    if found is None:
        return ranked[:1]
    return [found.trials[found.knee]] if pick == "knee" else list(found.trials)


def score_text(record: RunRecord, trial: TrialRecord, metric: str) -> str:
    """Print the objectives of a finished trial: ``psnr 31.207, macs_g 2.337``.

    Args:
        metric: the first objective, for a run whose study can't be read.
    """
    goals = Goals.of(record.spec)
    return _scores(trial, goals) if goals is not None and goals.several else f"{metric} {metric_text(trial.value)}"


def _scores(trial: TrialRecord, goals: Goals) -> str:
    metrics = metrics_of(trial, goals)
    values = [(goal.metric, goals.known_value(goal.metric, metrics, trial.facts)) for goal in goals.goals]
    return ", ".join(f"{name} {metric_text(value)}" for name, value in values)
