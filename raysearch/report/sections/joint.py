"""Several runs in one figure: their winners over training, and their searches over time. Only where they measure the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.budgets import Budget, spent, usual
from raysearch.report.common import data, objectives, tested
from raysearch.report.document import Block, Cell, Column, Figure, Missing, Table
from raysearch.report.formats import Metric, fixed, short
from raysearch.report.sections.contrasts import EVERY
from raysearch.report.view import View

_DRAWN = 6
_MEGA = 1e6
_MINUTE = 60.0


@dataclass(frozen=True)
class _Point:
    """A value at a budget, with the least and the most where there are several."""

    at: float
    mean: float
    low: float
    high: float


_Curves = Mapping[str, Sequence[_Point]]


def blocks(views: Sequence[View]) -> list[Block]:
    """Write the figure, or why there is none."""
    why = objectives(views) or data(views, "validation") or tested(views)
    if why:
        return [Missing(f"No joint figure, since the runs do not measure the same: {why}.")]
    drawn = views[:_DRAWN]
    trials = [trial for view in drawn if view.winner is not None for trial in view.winner.trials]
    budget = usual(trials)
    winners = {view.prefix: points for view in drawn if len(points := _winner(view, budget)) > 1}
    searches = {view.prefix: points for view in drawn if (points := _search(view))}
    unit = "megapixels seen" if budget == "pixels" else "optimisation steps"
    panels = []
    if len(winners) > 1:
        panels.append(_panel(drawn, winners, "winners", "Confirmed winners over training", unit, _label))
    if len(searches) > 1:
        panels.append(_panel(drawn, searches, "searches", "Best of the search so far", "minutes of trial time", _name))
    if not panels:
        return [Missing("No joint figure: fewer than two of the runs have values to draw.")]
    return [_figure(drawn, len(views), panels, {unit: winners, "minutes of trial time": searches}, unit)]


def _figure(views: Sequence[View], every: int, panels: Sequence[svg.Drawing], curves: Mapping[str, _Curves], unit: str) -> Figure:
    columns = (Column("Run", align="text"), Column("Budget"), Column("In", align="text"), *map(Column, ("Mean", "Least", "Most")))
    rows = [
        (Cell(_name(view)), Cell(short(point.at), point.at), Cell(what), *map(_value, (point.mean, point.low, point.high)))
        for what, known in curves.items()
        for view in views
        for point in known.get(view.prefix, ())
    ]
    title = views[0].metric.title
    caption = (
        f"Validation {title} of the runs against budget: the confirmed winners against {unit} (means over seeds, the band from the "
        "least to the most), and the best finished trial of each search against the trial time spent until then. Objective, "
        "protocol and photographs are the same in all of these runs."
    ) + (f" The first {len(views)} of {every} runs." if every > len(views) else "")
    return Figure("joint", caption, tuple(panels), Table("joint-data", "Numbers of the figure.", columns, tuple(rows)))


def _value(value: float) -> Cell:
    return Cell(fixed(value, 4), value)


def _panel(views: Sequence[View], curves: _Curves, name: str, title: str, unit: str, label: Callable[[View], str]) -> svg.Drawing:
    metric: Metric = views[0].metric

    def paint(axes: Axes) -> None:
        for look, view in enumerate(views):
            points = curves.get(view.prefix)
            if not points:
                continue
            at = [point.at for point in points]
            color, dash, marker = svg.SERIES[look], svg.DASHES[look], svg.MARKERS[look]
            axes.fill_between(at, [p.low for p in points], [p.high for p in points], color=color, alpha=0.18, linewidth=0)
            drawn = axes.plot(
                at, [p.mean for p in points], color=color, linestyle=dash, marker=marker, label=f"\u200a{label(view)}"
            )
            drawn[0].set_drawstyle("steps-post" if name == "searches" else "default")
        axes.set_xlabel(unit)
        axes.set_ylabel(f"validation {metric.axis}")
        axes.set_title(title, loc="left")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))

    known = [(view, curves[view.prefix][-1].mean) for view in views if curves.get(view.prefix)]
    ends = "; ".join(f"{label(view)} ends at {metric.show(mean)} {metric.unit}".rstrip() for view, mean in known)
    return svg.panel(f"{EVERY}-joint-{name}", title, f"{ends}.", paint, height=270 + 14 * len(known))


def _name(view: View) -> str:
    return plain.line(view.record.name, 48)


def _label(view: View) -> str:
    words = view.winner.short_title if view.winner is not None else ""
    return plain.line(f"{view.record.name}: {words}", 52)


def _winner(view: View, budget: Budget) -> list[_Point]:
    """Return the confirmed winner's values at the steps that all of its seeds report."""
    trials = view.winner.trials if view.winner is not None else ()
    known = [{point.step: point for point in trial.reports} for trial in trials]
    found = []
    for step in sorted(set.intersection(*map(set, known))) if known else ():
        points = [one[step] for one in known]
        at = spent(points[0], budget)
        values = [value for point in points if (value := plain.number(point.metrics.get(view.metric.name))) is not None]
        if len(values) == len(points) and at is not None:
            scaled = at / _MEGA if budget == "pixels" else at
            found.append(_Point(scaled, sum(values) / len(values), min(values), max(values)))
    return found


def _search(view: View) -> list[_Point]:
    """Return the best finished trial of the search so far against the time that all trials had taken by then."""
    sign = 1 if view.metric.larger_is_better else -1
    ended = [trial for trial in view.search if trial.ended is not None and not trial.origin]
    best: float | None = None
    found, spent_seconds = [], 0.0
    for trial in sorted(ended, key=lambda trial: (trial.ended or 0.0, trial.number)):
        spent_seconds += trial.seconds
        if trial.status == "finished" and trial.value is not None:
            best = trial.value if best is None or sign * trial.value > sign * best else best
        if best is not None:
            found.append(_Point(spent_seconds / _MINUTE, best, best, best))
    return found
