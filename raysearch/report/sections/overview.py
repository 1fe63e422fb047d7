"""What stands before the reports on several runs: a table over them, their curves in one figure, and their comparison."""

from __future__ import annotations

from collections.abc import Sequence

from raysearch.report import plain
from raysearch.report.compare import outcome, primary_places
from raysearch.report.document import Cell, Column, Section, Table
from raysearch.report.formats import NONE, plural, said, seconds
from raysearch.report.sections import joint
from raysearch.report.view import View
from raysearch.results.summary import summary


def section(views: Sequence[View]) -> Section:
    """Write the section."""
    return Section("runs", "The runs", (table(views), *joint.blocks(views)))


def table(views: Sequence[View]) -> Table:
    """Lay out a row a run."""
    columns = (
        *(Column(title, align="text") for title in ("Study", "Run", "Winner")),
        Column("Headline difference [95\N{NO-BREAK SPACE}%]"),
        *(Column(title, align="text") for title in ("Budget", "Status")),
    )
    rows = [
        (
            Cell(title_of(view)),
            Cell(plain.line(view.record.name, 60)),
            winner_cell(view),
            headline(view),
            budget_cell(view),
            status_cell(view),
        )
        for view in views
    ]
    note = (
        "Headline: the confirmed winner against the study's own baseline, on test photographs with fresh seeds. "
        "Differences of one study do not rank the studies: each has its own baseline."
    )
    return Table("overview", "The runs of this report.", columns, tuple(rows), (note,))


def title_of(view: View) -> str:
    """Return what a study is called."""
    title = plain.at(view.record.spec, "title")
    return plain.line(title if isinstance(title, str) and title.strip() else view.record.name, 100)


def winner_cell(view: View) -> Cell:
    """Name the winner, or the best of the search where nothing is confirmed."""
    if view.winner is not None:
        return Cell(view.winner.short_title, note=f"trial {view.winner.source}")
    best = view.best_search_trial()
    return Cell(NONE if best is None else f"trial {best.number}", note="" if best is None else "not confirmed")


def headline(view: View) -> Cell:
    """Print the headline: the winner against the baseline; the best validation value where there is none yet."""
    metric = view.metric
    if view.winner is not None and view.baseline is not None:
        found = outcome(view, view.winner, view.baseline, metric, primary_places(view))
        value = found.numbers.difference if found.numbers is not None else None
        chance = said(found.numbers.p) if found.numbers is not None and found.whole and not found.identical else ""
        note = ", ".join(part for part in (found.interval(metric), chance) if part)
        return Cell(found.difference(metric), value, "bad" if found.verdict(metric) == "worse" else "", note)
    best = view.best_search_trial()
    if best is None or best.value is None:
        return Cell(NONE)
    reached = " ".join(part for part in (metric.show(best.value), metric.unit) if part)
    return Cell(reached, None, "muted", "validation, in search")


def budget_cell(view: View) -> Cell:
    """Print what the run spent: trials, their steps, their time."""
    trials = [trial for trial in view.record.trials if not trial.origin]
    steps = sorted({trial.steps for trial in trials})
    ends = f" of {steps[0]:,}" + (f" to {steps[-1]:,}" if len(steps) > 1 else "") + " steps" if steps else ""
    spent_seconds = sum(trial.seconds for trial in trials)
    return Cell(f"{plural(len(trials), 'trial')}{ends}", spent_seconds, note=f"{seconds(spent_seconds)} of trial time")


def status_cell(view: View) -> Cell:
    """Print how the run stands, and whether a part of it could not be read."""
    run = summary(view.record)
    ended = f"{run.ended} of {run.planned} trials ended" if run.state != "done" and run.planned is not None else ""
    unread = "not all could be read" if view.record.missing else ""
    bad = run.state in ("damaged", "failed")
    return Cell(run.state, None, "bad" if bad else "", "; ".join(part for part in (ended, unread) if part))
