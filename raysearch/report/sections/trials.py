"""Every trial: what it tried, how it ended, what it reached."""

from __future__ import annotations

from raysearch.report import plain
from raysearch.report.document import Block, Cell, Column, Mark, Table
from raysearch.report.formats import NONE, seconds
from raysearch.report.names import leaf
from raysearch.report.view import View
from raysearch.results.record import TrialRecord

_LISTED = 1000


def blocks(view: View) -> list[Block]:
    """Write the list; nothing for a run without trials."""
    return [_trials(view)] if view.record.trials else []


def _trials(view: View) -> Table:
    listed = view.record.trials[:_LISTED]
    names = list(dict.fromkeys(name for trial in listed for name in trial.values))
    best = view.best_search_trial()
    columns = [
        Column("Trial"),
        Column("Role", align="text"),
        Column("Status", align="text"),
        Column(f"Validation {view.metric.axis}"),
    ]
    columns += [Column("Steps"), Column("Time"), Column("Retries")]
    columns += [Column(plain.line(name, 60), align="text") for name in names] + [Column("Seed")]
    rows = []
    for trial in listed:
        mark: Mark = "best" if best is not None and trial.number == best.number else ""
        status = trial.status.replace("_", " ") if trial.status is not None else "not finished"
        value = _validation(view, trial)
        row = [Cell(str(trial.number), trial.number, mark), Cell(plain.line(trial.role, 40)), Cell(status)]
        row += [Cell(view.metric.show(value), value, mark), Cell(f"{trial.step} / {trial.steps}", trial.step)]
        row += [Cell(seconds(trial.seconds), trial.seconds), Cell(str(trial.retries), trial.retries)]
        row += [_setting(trial, name) for name in names]
        rows.append((*row, Cell(str(trial.seed), trial.seed)))
    notes = ["The best of the search is bold. Test values of the confirmation stand in the comparison above."]
    if len(view.record.trials) > _LISTED:
        notes.append(f"The first {_LISTED} of {len(view.record.trials)} trials are listed; `raysearch show` lists all.")
    return Table("trials", "All trials.", tuple(columns), tuple(rows), tuple(notes), sortable=True)


def _setting(trial: TrialRecord, name: str) -> Cell:
    if name not in trial.values:
        return Cell(NONE)
    return Cell(leaf(trial.values[name]), plain.number(trial.values[name]))


def _validation(view: View, trial: TrialRecord) -> float | None:
    """Return a trial's value on validation; what the confirmation ends with is on test sets, so its last report counts."""
    if trial.phase == "search":
        return trial.value
    return plain.number(trial.reports[-1].metrics.get(view.metric.name)) if trial.reports else None
