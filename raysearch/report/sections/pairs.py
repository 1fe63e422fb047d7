"""Two parameters at once: the value over the plane of the two most important ones, and the ranks of trials over further pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.tri import Triangulation
from numpy.typing import NDArray

from raysearch.report import plain, svg
from raysearch.report.axes import Axis, few_ticks, searched_axes, span_of, thinned
from raysearch.report.document import Block, Cell, Column, Figure, Table
from raysearch.report.factors import Factor, factors, full_length
from raysearch.report.formats import NONE, fixed, plural
from raysearch.report.importance import importances
from raysearch.report.sections.parallel import best_first
from raysearch.report.sections.parameters import settings_table
from raysearch.report.view import View
from raysearch.results.record import TrialRecord

_LEAST = 6
_NUMBERS = 4
"""Different numbers of a parameter below which no surface is drawn over it."""
_BANDS = 6
_LEVELS = 8
_POINTS = 400
_CLASSES = (("best quarter", 0, 46), ("second", 5, 34), ("third", 2, 24), ("last quarter", None, 16))
"""Ranks, their colour and marker (None: grey crosses), and size."""


def blocks(view: View) -> list[Block]:
    """Draw both; nothing where no two parameters vary together in six trials of full length."""
    trials = tuple(thinned(full_length(view), _POINTS))
    every = searched_axes(view, trials, importances(view))
    pairs = [pair for pair in combinations(every[:4], 2) if len(_both(trials, pair)) >= _LEAST]
    if not pairs:
        return []
    surface = _surface(view, trials, pairs[0]) or _cells(view, pairs[0])
    return [*surface, _ranks(view, trials, pairs[:3])]


def _both(trials: Sequence[TrialRecord], pair: tuple[Axis, Axis]) -> list[TrialRecord]:
    return [trial for trial in trials if all(axis.place(trial) is not None for axis in pair)]


def _mesh(trials: Sequence[TrialRecord], pair: tuple[Axis, Axis]) -> tuple[Triangulation, NDArray[np.float64]] | None:
    """Triangulate trials, those at one place averaged; None where they span no area."""
    places: dict[tuple[float, float], list[float]] = {}
    for trial in trials:
        x, y = pair[0].place(trial), pair[1].place(trial)
        if x is not None and y is not None and trial.value is not None:
            places.setdefault((x, y), []).append(trial.value)
    x_values, y_values = (np.array([place[i] for place in places]) for i in (0, 1))
    try:
        flat = Triangulation(pair[0].shares(x_values.tolist()), pair[1].shares(y_values.tolist()))
    except (RuntimeError, ValueError):  # fewer than three places, or all on one line
        return None
    return Triangulation(x_values, y_values, flat.triangles), np.array([np.mean(values) for values in places.values()])


def _surface(view: View, every: Sequence[TrialRecord], pair: tuple[Axis, Axis]) -> list[Block]:
    """Draw contours between trials; nothing where a parameter has few numbers."""
    trials = _both(every, pair)
    span = span_of(view, [trial.value for trial in trials if trial.value is not None])
    mesh = _mesh(trials, pair) if all(len(axis.numbers) >= _NUMBERS for axis in pair) else None
    if mesh is None or span is None or np.ptp(mesh[1]) == 0:
        return []
    grid, values = mesh[0], np.clip(mesh[1], *span)
    edges = np.linspace(values.min(), values.max(), _BANDS + 1)
    better = svg.SERIES[0]

    def paint(axes: Axes) -> None:
        for i in range(_BANDS):  # bands lie over each other, so that what is better is darker
            low, high = (edges[i], edges[-1]) if view.metric.larger_is_better else (edges[0], edges[-1 - i])
            axes.tricontourf(grid, values, levels=[low, high + 1e-12 * abs(high)], colors=[better], alpha=0.13)
        lines = axes.tricontour(grid, values, levels=edges[1:-1], colors=[svg.MUTED], linewidths=0.7)
        axes.clabel(lines, fmt=lambda value: view.metric.show(value), fontsize=8, colors=[svg.INK])
        axes.scatter(grid.x, grid.y, s=9, color=svg.INK, clip_on=False)
        pair[0].dress(axes, "x")
        pair[1].dress(axes, "y")
        axes.grid(visible=False)

    best = best_first(view, trials)[0]
    words = f"{plural(len(trials), 'trial')}; the best, trial {best.number}, reaches {view.metric.show(best.value)}."
    title = f"Value over {pair[0].title} and {pair[1].title}"
    drawing = svg.panel(f"{view.prefix}-contour", title, words, paint, height=290)
    caption = (
        f"Validation {view.metric.title} over the two most important parameters that trials share, interpolated linearly between "
        "trials of full length (dots); the stronger the colour, the better. Other parameters vary too, so a bump may be theirs."
    )
    return [Figure("contour", caption, (drawing,), settings_table("contour-data", trials, pair))]


def _cells(view: View, pair: tuple[Axis, Axis]) -> list[Block]:
    """Draw the mean of every pair of levels; nothing where there are many levels."""
    known: Mapping[str, Factor] = {factor.name: factor for factor in factors(view)}
    found = [known[plain.line(axis.name, 80)] for axis in pair if plain.line(axis.name, 80) in known]
    if len(found) < 2 or max(len(factor.levels) for factor in found) > _LEVELS:
        return []
    levels = [sorted(factor.levels, key=lambda level: level.name) for factor in found]
    means: dict[tuple[int, int], tuple[float, int]] = {}
    for x, one in enumerate(levels[0]):
        for y, other in enumerate(levels[1]):
            numbers = {trial.number for trial in other.trials}
            values = [t.value for t in one.trials if t.number in numbers and t.value is not None]
            if values:
                means[x, y] = float(np.mean(values)), len(values)
    return [_cell_figure(view, pair, [[level.name for level in side] for side in levels], means)] if len(means) > 2 else []


def _cell_figure(
    view: View, pair: tuple[Axis, Axis], names: Sequence[Sequence[str]], means: Mapping[tuple[int, int], tuple[float, int]]
) -> Figure:
    order = sorted(means, key=lambda place: means[place][0], reverse=not view.metric.larger_is_better)

    def paint(axes: Axes) -> None:
        for rank, (x, y) in enumerate(order):
            axes.fill_between([x - 0.48, x + 0.48], y - 0.48, y + 0.48, color=svg.SERIES[0], alpha=0.06 + 0.4 * rank / len(order))
            mean, count = means[x, y]
            axes.text(x, y, f"{view.metric.show(mean)}\n({count})", ha="center", va="center", fontsize=8.5)
        axes.set_xticks(range(len(names[0])), [plain.line(name, 16) for name in names[0]])
        axes.set_yticks(range(len(names[1])), [plain.line(name, 16) for name in names[1]])
        axes.set_xlim(-0.5, len(names[0]) - 0.5)
        axes.set_ylim(-0.5, len(names[1]) - 0.5)
        axes.set_xlabel(plain.line(pair[0].name, 44))
        axes.set_ylabel(plain.line(pair[1].name, 44))
        axes.grid(visible=False)

    top = order[-1]
    words = f"The best mean, {view.metric.show(means[top][0])}, is that of {names[0][top[0]]} with {names[1][top[1]]}."
    title = f"Mean value by {pair[0].title} and {pair[1].title}"
    drawing = svg.panel(f"{view.prefix}-contour", title, words, paint, height=90 + 38 * len(names[1]))
    caption = (
        f"Mean validation {view.metric.title} by the two most important parameters that trials share (trials of full length in "
        "brackets); the stronger the colour, the better. Other parameters vary too."
    )
    rows = [
        (
            Cell(names[0][x]),
            Cell(names[1][y]),
            Cell(fixed(means[x, y][0], 4) if (x, y) in means else NONE),
            Cell(str(means[x, y][1])),
        )
        for x, y in sorted(means)
    ]
    columns = (Column(pair[0].title, align="text"), Column(pair[1].title, align="text"), Column("Mean"), Column("Trials"))
    return Figure("contour", caption, (drawing,), Table("contour-data", "Numbers of the figure.", columns, tuple(rows)))


def _ranks(view: View, trials: Sequence[TrialRecord], pairs: Sequence[tuple[Axis, Axis]]) -> Figure:
    """Draw trials over pairs of parameters, by the quarter of the ranking that they are in."""
    ranked = best_first(view, trials)
    quarters = {trial.number: min(3, 4 * rank // len(ranked)) for rank, trial in enumerate(ranked)}
    panels = tuple(_rank_panel(view, position, _both(trials, pair), pair, quarters) for position, pair in enumerate(pairs))
    caption = (
        f"Where the ranks of {plural(len(trials), 'trial')} of full length lie: circles are the best quarter, crosses the last. "
        "A parameter along which the shapes do not separate hardly matters."
    )
    axes = list(dict.fromkeys(axis for pair in pairs for axis in pair))
    return Figure("ranks", caption, panels, settings_table("ranks-data", ranked, axes), small=True)


def _rank_panel(
    view: View, position: int, trials: Sequence[TrialRecord], pair: tuple[Axis, Axis], quarters: Mapping[int, int]
) -> svg.Drawing:
    def paint(axes: Axes) -> None:
        for quarter, (label, look, size) in reversed(list(enumerate(_CLASSES))):
            some = [trial for trial in trials if quarters[trial.number] == quarter]
            x, y = ([place for trial in some if (place := axis.place(trial)) is not None] for axis in pair)
            if look is None:
                axes.scatter(x, y, s=size, marker="x", color=svg.MUTED, linewidths=1, label=label)
            else:
                axes.scatter(x, y, s=size, marker=svg.MARKERS[look], color=svg.SERIES[look], alpha=0.85, label=label)
        pair[0].dress(axes, "x")
        pair[1].dress(axes, "y")
        few_ticks(axes)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=2, handletextpad=0.3)

    words = f"{plural(len(trials), 'trial')} by rank over {pair[0].title} and {pair[1].title}."
    title = f"Ranks over {pair[0].title} and {pair[1].title}"
    return svg.panel(f"{view.prefix}-rank-{position}", title, words, paint, width=300, height=245)
