"""What stands before the reports on several runs: a table over them, their curves in one figure, and their comparison."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.budgets import Budget, spent, usual
from raysearch.report.common import data, objectives, tested
from raysearch.report.compare import outcome, primary_places
from raysearch.report.document import Block, Cell, Column, Figure, Missing, Section, Table
from raysearch.report.formats import NONE, fixed, plural, said, seconds
from raysearch.report.sections.contrasts import EVERY
from raysearch.report.view import View
from raysearch.results.record import TrialRecord
from raysearch.results.summary import summary

_DRAWN = 6
_MEGA = 1e6


def section(views: Sequence[View]) -> Section:
    """Write the section."""
    return Section("runs", "The runs", (table(views), *_joint(views)))


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
    """Print how the run stands, and the first thing that could not be read of it."""
    run = summary(view.record)
    note = f"{run.ended} of {run.planned} trials ended" if run.state != "done" and run.planned is not None else ""
    missing = plain.line(view.record.missing[0], 160) if view.record.missing else ""
    more = f" (and {len(view.record.missing) - 1} more)" if len(view.record.missing) > 1 else ""
    bad = run.state in ("damaged", "failed")
    return Cell(run.state, None, "bad" if bad else "", "; ".join(part for part in (note, f"{missing}{more}") if part))


def _joint(views: Sequence[View]) -> list[Block]:
    """Draw the confirmed winners' curves of all runs together where they measure the same; else say why not."""
    shown = [view for view in views if view.winner is not None and any(len(t.reports) > 1 for t in view.winner.trials)]
    if len(shown) < 2:
        return [Missing("No joint figure: fewer than two of the runs have confirmed a winner.")]
    why = objectives(shown) or tested(shown) or data(shown, "validation")
    if why:
        return [Missing(f"No joint figure, since the runs do not measure the same: {why}.")]
    return [_figure(shown[:_DRAWN], len(shown))]


def _figure(views: Sequence[View], every: int) -> Figure:
    trials = [trial for view in views if view.winner is not None for trial in view.winner.trials]
    budget = usual(trials)
    curves = {view.prefix: _curve(view, budget) for view in views}
    metric = views[0].metric
    scale, unit = (_MEGA, "megapixels seen") if budget == "pixels" else (1.0, "optimisation steps")

    def paint(axes: Axes) -> None:
        for look, view in enumerate(views):
            points = curves[view.prefix]
            at = [x / scale for x, *_ in points]
            color, dash, marker = svg.SERIES[look], svg.DASHES[look], svg.MARKERS[look]
            axes.fill_between(
                at, [low for *_, low, _ in points], [high for *_, high in points], color=color, alpha=0.18, linewidth=0
            )
            axes.plot(
                at, [mean for _, mean, *_ in points], color=color, linestyle=dash, marker=marker, label=f"\u200a{_label(view)}"
            )
        axes.set_xlabel(unit)
        axes.set_ylabel(f"validation {metric.axis}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))

    ends = "; ".join(f"{_label(view)} ends at {metric.show(curves[view.prefix][-1][1])} {metric.unit}".rstrip() for view in views)
    height = 262 + 14 * len(views)
    drawing = svg.panel(f"{EVERY}-joint-panel", "Validation curves of the runs' winners", f"{ends}.", paint, height=height)
    columns = (Column("Run", align="text"), Column(unit.capitalize()), Column("Mean"), Column("Least"), Column("Most"))
    rows = [
        (Cell(plain.line(view.record.name, 60)), Cell(f"{x / scale:.4g}", x), *(Cell(fixed(value, 4), value) for value in values))
        for view in views
        for x, *values in curves[view.prefix]
    ]
    caption = (
        f"Validation {metric.title} of the confirmed winners against {unit}: means over seeds, the band from the least to the "
        "most. Objective, protocol and photographs are the same in all of these runs."
    ) + (f" The first {len(views)} of {every} runs." if every > len(views) else "")
    return Figure("joint", caption, (drawing,), Table("joint-data", "Numbers of the figure.", columns, tuple(rows)))


def _label(view: View) -> str:
    words = view.winner.short_title if view.winner is not None else ""
    return plain.line(f"{view.record.name}: {words}", 52)


def _curve(view: View, budget: Budget) -> list[tuple[float, float, float, float]]:
    """Return budget, mean, least and most over the seeds that report at the same step."""
    trials: Sequence[TrialRecord] = view.winner.trials if view.winner is not None else ()
    known = [{point.step: point for point in trial.reports} for trial in trials]
    found = []
    for step in sorted(set.intersection(*map(set, known))) if known else ():
        points = [one[step] for one in known]
        at = [spent(point, budget) for point in points]
        values = [value for point in points if (value := plain.number(point.metrics.get(view.metric.name))) is not None]
        if len(values) == len(points) and at[0] is not None:
            found.append((at[0], sum(values) / len(values), min(values), max(values)))
    return found
