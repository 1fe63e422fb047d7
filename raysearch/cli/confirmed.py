"""What a run is worth, in lines: the confirmed value first, since the best of a search was selected for its luck too."""

from __future__ import annotations

from raysearch.cli.console import metric_text
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.replay import FORMER
from raysearch.results.summary import RunSummary

SELECTED = "selected on validation photographs, so optimistic"


def headline(run: RunSummary) -> str:
    """Return the value of a run in a few words."""
    if run.confirmed is not None:
        return f"{metric_text(run.confirmed.value)} {run.metric} confirmed"
    return "-" if run.best is None else f"{metric_text(run.best.value)} {run.metric} in search"


def confirmation_lines(record: RunRecord, run: RunSummary) -> list[str]:
    """Return a line for each configuration that was confirmed, and how its seed race stands."""
    roles: dict[str, list[float]] = {}
    for trial in record.trials:
        if trial.phase == "confirm" and trial.value is not None and not trial.role.startswith(FORMER):
            roles.setdefault(trial.role, []).append(trial.value)
    looks = {look.role: look for look in record.looks}
    lines = []
    for role, values in roles.items():
        mean = metric_text(sum(values) / len(values))
        line = f"  confirmed {role}: {run.metric} {mean} on test photographs, mean of {len(values)} seeds; intervals in the report"
        if (look := looks.get(role)) is not None:
            line += f"; race: {'decided' if look.decided else 'open'} with {look.seeds} seeds"
        lines.append(line)
    return lines


def further_lines(record: RunRecord, run: RunSummary) -> list[str]:
    """Return a line for each trial that was trained longer, and for what was done to the run since its start."""
    lines = [f"  {_extended(trial, run.metric)}" for trial in record.trials if trial.phase == "extend"]
    return [*lines, *(f"  since the start: {change}" for change in record.changes)]


def _extended(trial: TrialRecord, metric: str) -> str:
    how = "from its checkpoint" if trial.role == "continued" else "anew"
    state = f"{metric} {metric_text(trial.value)} on validation photographs" if trial.status else "not ended"
    return f"trial {trial.number:04d}: trial {trial.source:04d} trained {how} for {trial.steps} steps: {state}"


def worth(run: RunSummary, trial: TrialRecord) -> str:
    """Return what is to be known about a trial's value: that it was selected, and what was confirmed of it."""
    if run.confirmed is None or run.confirmed.trial != trial.number:
        return SELECTED
    seeds = f"mean of {run.confirmed.seeds} fresh seeds"
    return f"{SELECTED}; confirmed: {run.metric} {metric_text(run.confirmed.value)} on test photographs, {seeds}"
