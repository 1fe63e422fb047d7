"""The search's time by training length: what each rung of the scheduler cost, and what of it was lost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from raysearch.report import plain
from raysearch.report.document import Block, Cell, Column, Prose, Table
from raysearch.report.formats import NONE, plural, seconds
from raysearch.report.view import View
from raysearch.results.record import TrialRecord

GAVE_VALUES = ("finished", "stopped", "infeasible", None)
"""How trials end, or go on, that are not lost."""


def blocks(view: View) -> list[Block]:
    """Write what was lost and, where trials were stopped early, the table by rung."""
    trials = view.record.trials
    total, lost = (sum(trial.seconds for trial in some) for some in (trials, _lost(trials)))
    if total <= 0:
        return []
    went = f"{seconds(lost)} of {seconds(total)} of trial time ({lost / total:.0%})"
    said = f"Lost: {went} went to {plural(len(_lost(trials)), 'trial')} that gave no value."
    return [Prose((said,)), *_by_rung(view.search)]


def _lost(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [trial for trial in trials if trial.status not in GAVE_VALUES]


def _by_rung(trials: Sequence[TrialRecord]) -> list[Block]:
    """Cut every trial's time at the steps at which trials were stopped."""
    stops = sorted({trial.step for trial in trials if trial.status == "stopped"})
    if not stops:
        return []
    ends = [step for step in stops if step < max(trial.step for trial in trials)] + [max(trial.step for trial in trials)]
    total = sum(trial.seconds for trial in trials)
    rows = []
    for low, high in pairwise([0, *ends]):
        begun = [trial for trial in trials if trial.step > low or (low == 0 and trial.step == 0)]
        stopped = [trial for trial in begun if trial.status == "stopped" and trial.step <= high]
        spent, lost = (sum(_until(trial, high) - _until(trial, low) for trial in some) for some in (begun, _lost(begun)))
        cells = [Cell(f"{low:,} to {high:,}", low), Cell(str(len(begun)), len(begun)), Cell(str(len(stopped)), len(stopped))]
        cells += [Cell(seconds(spent), spent), Cell(f"{spent / total:.0%}" if total > 0 else NONE), Cell(seconds(lost), lost)]
        rows.append(tuple(cells))
    titles = ("Trials that got there", "Stopped early", "Trial time", "Share", "Of this lost")
    columns = (Column("Steps", align="text"), *(Column(title) for title in titles))
    caption = f"What the training lengths of the search cost: {seconds(total)} of trial time, cut where trials were stopped."
    note = "A trial's time within a length is told from its evaluations, evenly between two of them."
    return [Table("rungs", caption, columns, tuple(rows), (note,))]


def _until(trial: TrialRecord, step: int) -> float:
    """Return the seconds that a trial had taken after so many steps."""
    if step >= trial.step:
        return trial.seconds if step > 0 else 0.0
    told = [(point.step, plain.number(point.metrics.get("train_seconds"))) for point in trial.reports]
    inside = [(at, min(spent, trial.seconds)) for at, spent in told if spent is not None and 0 < at < trial.step]
    known = [(0, 0.0), *inside, (trial.step, trial.seconds)]
    (before, began), (after, ended) = next((a, b) for a, b in pairwise(known) if a[0] <= step <= b[0])
    return began + (ended - began) * (step - before) / (after - before)
