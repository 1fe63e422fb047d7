"""Quality against what it costs: parameters, multiply-adds, time, memory, with the Pareto line; where trials differ in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.axes import few_ticks, scale_by_ratios, span_of, thinned
from raysearch.report.compare import primary_places
from raysearch.report.document import Block, Cell, Column, Figure, Table
from raysearch.report.factors import full_length
from raysearch.report.formats import NONE, count, fixed, plural, seconds, short
from raysearch.report.hover import SILENT
from raysearch.report.series import device_seconds
from raysearch.report.view import Method, View
from raysearch.results.goals import Goals
from raysearch.results.pareto import front
from raysearch.results.record import TrialRecord

_POINTS = 600
_RATIOS = 3.0
_NAMED = 6
_LEAST = 3


@dataclass(frozen=True)
class Cost:
    """Something that a trial costs.

    Attributes:
        name: as objectives call it.
        title: of the axis.
        differs: a factor between the least and the most from which on there is something to see.
        of: what a trial costs; None where that is not recorded.
        show: how a cost is printed.
    """

    name: str
    title: str
    differs: float
    of: Callable[[TrialRecord], float | None]
    show: Callable[[float], str]


COSTS = (
    Cost("parameters", "parameters", 1.05, lambda trial: plain.number(trial.facts.get("parameters")), count),
    Cost("macs_g", "multiply-adds, G", 1.05, lambda trial: plain.number(trial.facts.get("macs_g")), short),
    Cost("latency_ms", "latency, ms", 1.2, lambda trial: plain.number(trial.facts.get("latency_ms")), short),
    Cost("train_seconds", "training time, device seconds", 1.3, device_seconds, seconds),
    Cost("peak_memory_mib", "peak memory of a training, MiB", 1.2, lambda t: plain.number(t.facts.get("peak_memory_mib")), short),
)
"""What is drawn, in this order."""


@dataclass(frozen=True)
class Point:
    """A trial, or a method on the test photographs."""

    title: str
    cost: float
    value: float


def blocks(view: View) -> list[Block]:
    """Draw the trials of the search, and the confirmed methods, over each cost in which they differ."""
    trials = thinned(full_length(view), _POINTS)
    goals = Goals.of(view.record.spec)
    drawn_already = {goal.metric for goal in goals.goals} if goals is not None and goals.several else set()
    wanted = [cost for cost in COSTS if cost.name not in drawn_already]
    searched = [(cost, points) for cost in wanted if differ(cost, points := trial_points(cost, trials))]
    confirmed = [(cost, points) for cost in wanted if differ(cost, points := method_points(view, cost))]
    return [
        *_figure(view, "costs", f"Validation {view.metric.title}", "trials of full length", searched),
        *_figure(view, "costs-test", f"Test {view.metric.title}", "confirmed methods", confirmed),
    ]


def trial_points(cost: Cost, trials: Sequence[TrialRecord]) -> list[Point]:
    """Return trials whose cost is known and positive, by cost."""
    known = [(str(trial.number), cost.of(trial), trial.value) for trial in trials]
    return _by_cost(
        [Point(title, spent, value) for title, spent, value in known if spent is not None and spent > 0 and value is not None]
    )


def method_points(view: View, cost: Cost) -> list[Point]:
    """Return confirmed methods with their mean test value and mean cost, by cost."""
    found = []
    for method in view.methods:
        value = _test_mean(view, method)
        spent = [one for trial in method.trials if (one := cost.of(trial)) is not None]
        if value is not None and spent and len(spent) == len(method.trials) and min(spent) > 0:
            found.append(Point(method.short_title, float(np.mean(spent)), value))
    return _by_cost(found)


def _test_mean(view: View, method: Method) -> float | None:
    cells = [(place, image) for place in primary_places(view) for image in view.scores.images(method.numbers, place)]
    values = view.scores.matrix(method.numbers, cells, view.metric.name)
    return float(values.mean()) if values.size and np.isfinite(values).all() else None


def _by_cost(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda point: (point.cost, -point.value, point.title))


def differ(cost: Cost, points: Sequence[Point]) -> bool:
    """Say whether the points differ enough in a cost for a drawing."""
    return len(points) >= _LEAST and points[-1].cost > cost.differs * points[0].cost


def pareto(view: View, points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats in value without costing more, by cost."""
    sign = 1 if view.metric.larger_is_better else -1
    return [points[i] for i in front([(sign * point.value, -point.cost) for point in points])]


def _figure(view: View, name: str, what: str, who: str, drawn: Sequence[tuple[Cost, list[Point]]]) -> list[Block]:
    if not drawn:
        return []
    panels = tuple(_panel(view, f"{name}-{i}", what, cost, points) for i, (cost, points) in enumerate(drawn))
    caption = (
        f"{what} against what it costs, {who}. The line joins those that nothing beats without costing more (Pareto). "
        f"Multiply-adds and latency are those of one image{_stated(view)}; device seconds are seconds of training times the "
        "workers of a trial."
    )
    return [Figure(name, caption, panels, _table(view, name, drawn), small=True)]


def _table(view: View, name: str, drawn: Sequence[tuple[Cost, list[Point]]]) -> Table:
    """List the points with their costs, in bold where they are on the line."""
    values = {point.title: point.value for _, points in drawn for point in points}
    costs = [{point.title: point.cost for point in points} for _, points in drawn]
    lines = [{point.title for point in pareto(view, points)} for _, points in drawn]
    rows = []
    for title, value in values.items():
        cells = [
            Cell(cost.show(spent[title]) if title in spent else NONE, spent.get(title), "best" if title in line else "")
            for (cost, _), spent, line in zip(drawn, costs, lines, strict=True)
        ]
        rows.append((Cell(title), Cell(fixed(value, 4)), *cells))
    who = Column("Trial" if name == "costs" else "Method", align="number" if name == "costs" else "text")
    columns = (who, Column("Value"), *(Column(cost.title[:1].upper() + cost.title[1:]) for cost, _ in drawn))
    return Table(f"{name}-data", "Numbers of the figure; bold: on the line.", columns, tuple(rows))


def _stated(view: View) -> str:
    sizes = sorted({int(size) for t in view.record.trials if (size := plain.number(t.facts.get("macs_size"))) is not None})
    return f" of {' or '.join(f'{size}²' for size in sizes[:3])} pixels" if sizes else ""


def _panel(view: View, name: str, what: str, cost: Cost, points: Sequence[Point]) -> svg.Drawing:
    best = pareto(view, points)
    span = span_of(view, [point.value for point in points])
    named = what.startswith("Test") and len(points) <= _NAMED

    def paint(axes: Axes) -> None:
        axes.plot(
            [p.cost for p in best], [p.value for p in best], color=svg.INK, linewidth=1, linestyle=svg.DASHES[1], label=SILENT
        )
        if named:
            for i, point in enumerate(points):
                look = i % len(svg.SERIES)
                label = f"\u200a{plain.line(point.title, 34)}"
                axes.scatter([point.cost], [point.value], s=44, color=svg.SERIES[look], marker=svg.MARKERS[look], label=label)
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=1)
        else:
            others = [point for point in points if point not in best]
            axes.scatter([p.cost for p in others], [p.value for p in others], s=24, facecolors="none", edgecolors=svg.MUTED)
            axes.scatter([p.cost for p in best], [p.value for p in best], s=34, color=svg.SERIES[0])
        if points[-1].cost > _RATIOS * points[0].cost:
            scale_by_ratios(axes, [point.cost for point in points])
        if span is not None:
            axes.set_ylim(*span)
        axes.set_xlabel(cost.title)
        axes.set_ylabel(view.metric.axis)
        few_ticks(axes, x=4)

    words = (
        f"{plural(len(points), 'point')}; on the line from {cost.show(best[0].cost)} with {view.metric.show(best[0].value)} to "
        f"{cost.show(best[-1].cost)} with {view.metric.show(best[-1].value)}."
    )
    height = 205 + (14 * len(points) if named else 0)
    return svg.panel(f"{view.prefix}-{name}", f"{what} against {cost.title}", words, paint, width=300, height=height)
