"""What the numbers of the patch strategies do to the objective (share kept, temperature, cell, threshold), and how many patches do.

Only trials that ran their full length count. Where a number has few levels, a line joins the means of each strategy, with their
intervals over trials; the other searched values vary within a level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.axes import few_ticks, paint_values, scale_by_ratios, span_of, thinned
from raysearch.report.document import Block, Cell, Column, Figure, Table
from raysearch.report.factors import full_length
from raysearch.report.formats import NONE, count, fixed, plural
from raysearch.report.names import leaf, settings, strategy
from raysearch.report.sections.asked import domains
from raysearch.report.sections.parameters import BEYOND
from raysearch.report.view import View, kinds, sampler_of
from raysearch.results.record import TrialRecord
from raysearch.results.statistics import Interval, mean_interval

QUANTITIES = {
    "keep": "share of the patches that is kept",
    "temperature": "temperature T",
    "cell": "cell k, pixels",
    "threshold_db": "threshold, dB",
    "penalty": "penalty p",
    "size": "patch size, pixels",
    "stride": "stride of patches, pixels",
    "start": "threshold at the start, dB",
    "end": "threshold at the end, dB",
    "target": "mean trainability aimed at",
}
"""What the numbers of a patch strategy are called, by the last part of their path; any other goes by its own name."""

_PARTS = ("sampler", "patch")
_PENALTY = "penalty"
_PANELS = 9
_LEVELS = 12
_POINTS = 600
_LEAST = 3
"""Trials below which no interval is drawn, and different numbers of patches below which there is nothing to see."""

_ALL = "uniform"
_JOINED = (
    "Where a number has few levels, lines join the means of each strategy, with 95\N{NO-BREAK SPACE}% intervals where there are "
    "three trials at least; the other searched values vary among them."
)


@dataclass(frozen=True)
class Series:
    """One strategy against one number.

    Attributes:
        kind: of the strategy.
        look: position of its colour and marker.
        points: the number and the trial.
        levels: mean of each number, where there are few; empty otherwise.
    """

    kind: str
    look: int
    points: tuple[tuple[float, TrialRecord], ...]
    levels: tuple[tuple[float, Interval], ...]


def blocks(view: View) -> list[Block]:
    """Draw both figures, as far as there is something in them."""
    trials = tuple(thinned(full_length(view), _POINTS))
    return [*_numbers(view, trials), *_counts(view, trials)]


def series_of(trials: Sequence[TrialRecord], places: Mapping[int, float]) -> tuple[Series, ...]:
    """Group trials by strategy; ``places`` says by trial number where one lies."""
    found = []
    for look, kind in enumerate(kinds(trials)):
        points = tuple(sorted(((places[t.number], t) for t in trials if t.number in places and sampler_of(t) == kind), key=_order))
        if points:
            found.append(Series(kind, look, points, _levels(points)))
    return tuple(found)


def _order(point: tuple[float, TrialRecord]) -> tuple[float, int]:
    return point[0], point[1].number


def _levels(points: Sequence[tuple[float, TrialRecord]]) -> tuple[tuple[float, Interval], ...]:
    groups: dict[float, list[float]] = {}
    for place, trial in points:
        if trial.value is not None:
            groups.setdefault(place, []).append(trial.value)
    few = 1 < len(groups) <= _LEVELS and max(map(len, groups.values())) > 1
    return tuple((place, mean_interval(values)) for place, values in groups.items()) if few else ()


def _numbers(view: View, trials: Sequence[TrialRecord]) -> list[Block]:
    """Draw a panel a number: the same one of several strategies in one."""
    names = [name for name in dict.fromkeys(name for trial in trials for name in trial.values) if _is_of_a_strategy(name)]
    logarithmic = {domain.name for domain in domains(view.record.spec) if domain.logarithmic}
    uniform = [trial.value for trial in trials if sampler_of(trial) == _ALL and trial.value is not None]
    line = float(np.mean(uniform)) if uniform else None
    panels: list[svg.Drawing] = []
    rows: list[tuple[Cell, ...]] = []
    for last in dict.fromkeys(name.rpartition(".")[2] for name in names):
        mine = [name for name in names if name.rpartition(".")[2] == last]
        places = {t.number: number for t in trials for name in mine if (number := plain.number(t.values.get(name))) is not None}
        if len(set(places.values())) < 2 or len(panels) == _PANELS:
            continue
        title = QUANTITIES.get(last, plain.line(last.replace("_", " "), 40))
        ratios = min(places.values()) > 0 and any(name in logarithmic for name in mine)
        found = series_of(trials, places)
        panels.append(_panel(view, f"strategy-{len(panels)}", title, found, ratios=ratios, line=line))
        rows += _rows(title, found)
    if not panels:
        return []
    caption = (
        f"Validation {view.metric.title} against the numbers that a patch strategy has, trials of full length. {_JOINED} {BEYOND}"
    )
    if line is not None:
        caption += f" Dotted: uniform sampling, the mean of {plural(len(uniform), 'trial')}, {view.metric.show(line)}."
    return [Figure("strategies", caption, tuple(panels), _table("strategies-data", rows), small=True)]


def _is_of_a_strategy(name: str) -> bool:
    parts = name.split(".")
    return parts[0] in _PARTS or parts[-1] == _PENALTY


def _counts(view: View, trials: Sequence[TrialRecord]) -> list[Block]:
    """Draw the objective against how many different patches a trial was trained on, where that is known and differs."""
    places = {trial.number: number for trial in trials if (number := patches_of(trial)) is not None}
    if len(set(places.values())) < _LEAST:
        return []
    found = series_of(trials, places)
    numbers = sorted(places.values())
    title = "patches that are trained on"
    drawing = _panel(view, "patches", title, found, ratios=numbers[-1] > 10 * numbers[0], wide=True)
    caption = (
        f"Validation {view.metric.title} against the number of different patches that a trial was trained on, from "
        f"{count(numbers[0])} to {count(numbers[-1])}; uniform sampling takes all there are. {_JOINED} {BEYOND}"
    )
    return [Figure("patches", caption, (drawing,), _table("patches-data", _rows(title, found)))]


def patches_of(trial: TrialRecord) -> float | None:
    """Return how many patches a trial chose from, times the share that its strategy keeps; None where either is not known."""
    there = plain.number(trial.facts.get("patches"))
    share = plain.number(settings(trial.config).get("sampler.keep"))
    if there is None or (share is None and sampler_of(trial) != _ALL):
        return None
    return float(max(1, round(there * (1.0 if share is None else share))))


def _panel(
    view: View,
    name: str,
    title: str,
    found: Sequence[Series],
    *,
    ratios: bool,
    wide: bool = False,
    line: float | None = None,
) -> svg.Drawing:
    span = span_of(view, [trial.value for one in found for _, trial in one.points if trial.value is not None], line)

    def paint(axes: Axes) -> None:
        for one in found:
            paint_values(
                axes, one.points, span, look=one.look, label=f"\u200a{plain.line(strategy(one.kind), 30) or 'not recorded'}"
            )
            _paint_levels(axes, one)
        if line is not None:
            axes.axhline(line, color=svg.MUTED, linewidth=1.1, linestyle=(0, (2, 3)))
        if ratios:
            scale_by_ratios(axes, [place for one in found for place, _ in one.points])
        axes.set_xlabel(title)
        axes.set_ylabel(view.metric.axis)
        few_ticks(axes)
        if wide or len(found) > 1:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2 if wide else -0.3), ncols=2, handletextpad=0.4)
        else:
            axes.set_title(plain.line(strategy(found[0].kind), 40), loc="left")

    words = "; ".join(f"{strategy(one.kind) or 'not recorded'}: {plural(len(one.points), 'trial')}" for one in found)
    width, height = (400, 280) if wide else (300, 205 + (12 * -(-len(found) // 2) if len(found) > 1 else 0))
    return svg.panel(f"{view.prefix}-{name}", f"Value against {title}", f"{words}.", paint, width=width, height=height)


def _paint_levels(axes: Axes, one: Series) -> None:
    if not one.levels:
        return
    color, dash = svg.SERIES[one.look % len(svg.SERIES)], svg.DASHES[one.look % len(svg.DASHES)]
    axes.plot(
        [place for place, _ in one.levels], [level.mean for _, level in one.levels], color=color, linestyle=dash, linewidth=1.3
    )
    for place, level in one.levels:
        if level.n >= _LEAST:
            axes.plot([place, place], [level.low, level.high], color=color, linewidth=1, alpha=0.7, label="_end of the interval")


def _rows(title: str, found: Sequence[Series]) -> list[tuple[Cell, ...]]:
    rows = []
    for one in found:
        means = dict(one.levels)
        for place, trial in one.points:
            level = means.get(place)
            ends = (level.mean, level.low, level.high) if level is not None else (None, None, None)
            head = (Cell(title), Cell(strategy(one.kind) or "not recorded"), Cell(leaf(place)), Cell(str(trial.number)))
            rows.append(
                (
                    *head,
                    Cell(fixed(trial.value, 4)),
                    *(Cell(fixed(end, 4) if end is not None else NONE) for end in ends),
                )
            )
    return rows


def _table(name: str, rows: Sequence[tuple[Cell, ...]]) -> Table:
    titles = ("Number", "Strategy", "Is", "Trial", "Value", "Mean there", "Low", "High")
    columns = tuple(Column(title, align="text" if i < 2 else "number") for i, title in enumerate(titles))
    return Table(name, "Numbers of the figure; intervals at 95\N{NO-BREAK SPACE}%.", columns, tuple(rows))
