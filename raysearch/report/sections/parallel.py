"""Parallel coordinates: every trial as a line through its settings to its value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from raysearch.report import plain, svg
from raysearch.report.axes import Axis, searched_axes, thinned
from raysearch.report.document import Block, Figure
from raysearch.report.factors import full_length
from raysearch.report.formats import plural, short
from raysearch.report.hover import SILENT
from raysearch.report.importance import importances
from raysearch.report.sections.parameters import settings_table
from raysearch.report.view import View
from raysearch.results.record import TrialRecord

_AXES = 6
_LINES = 160
_LEAST = 4
_NOT_USED = -0.16
"""Where a line passes the axis of a parameter that its trial does not have."""


def blocks(view: View) -> list[Block]:
    """Draw the lines; nothing for fewer than two parameters or four trials of full length."""
    every = full_length(view)
    axes = searched_axes(view, every, importances(view))[:_AXES]
    if len(every) < _LEAST or len(axes) < 2 or len({trial.value for trial in every}) < 2:
        return []
    return [_figure(view, every, axes)]


def best_first(view: View, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Sort trials with a value, the best first."""
    sign = -1 if view.metric.larger_is_better else 1
    return sorted(trials, key=lambda trial: (sign * (trial.value if trial.value is not None else 0.0), trial.number))


def _figure(view: View, every: Sequence[TrialRecord], searched: Sequence[Axis]) -> Figure:
    ranked = best_first(view, every)
    quarter = max(1, len(ranked) // 4)
    best, rest = thinned(ranked[:quarter], _LINES // 2), thinned(ranked[quarter:], _LINES // 2)
    places = [_places(axis, every) for axis in searched]
    heights = {trial.number: [place.get(trial.number, _NOT_USED) for place in places] for trial in every}
    values = np.array([trial.value for trial in every], dtype=np.float64)
    ends = (float(values.min()), float(values.max()))
    lacking = any(height == _NOT_USED for one in heights.values() for height in one)

    def line(trial: TrialRecord) -> list[float]:
        value = trial.value if trial.value is not None else ends[0]
        return [*heights[trial.number], (value - ends[0]) / (ends[1] - ends[0])]

    def paint(axes: Axes) -> None:
        across = range(len(searched) + 1)
        for some, color, width, alpha in ((rest, svg.MUTED, 0.7, 0.45), (best, svg.SERIES[0], 1.1, 0.8)):
            for trial in some:
                axes.plot(across, line(trial), color=color, linewidth=width, alpha=alpha, label=SILENT)
        axes.plot(across, line(ranked[0]), color=svg.SERIES[1], marker=svg.MARKERS[1], linewidth=2, label=SILENT)
        _dress(axes, view, searched, ends, lacking)

    words = f"{plural(len(every), 'trial')} through {plural(len(searched), 'parameter')}; the best is trial {ranked[0].number}."
    drawing = svg.panel(f"{view.prefix}-parallel", "Parallel coordinates", words, paint, width=440, height=270)
    caption = (
        f"The settings of trials of full length and what they led to, rightmost. Blue: the best quarter; orange with squares: the "
        f"best, trial {ranked[0].number}; grey: the others."
    )
    if lacking:
        caption += " A line passes below the axis of a parameter that its trial does not have."
    if len(every) > len(best) + len(rest):
        caption += f" {len(best) + len(rest)} of {len(every)} trials, evenly chosen."
    table = settings_table("parallel-data", [*best, *rest], searched)
    return Figure("parallel", caption, (drawing,), table)


def _places(axis: Axis, trials: Sequence[TrialRecord]) -> dict[int, float]:
    """Return by trial number how far along its axis a trial lies, from 0 to 1."""
    known = [(trial.number, place) for trial in trials if (place := axis.place(trial)) is not None]
    shares: NDArray[np.float64] = axis.shares([place for _, place in known])
    return {number: float(share) for (number, _), share in zip(known, shares, strict=True)}


def _dress(axes: Axes, view: View, searched: Sequence[Axis], ends: tuple[float, float], lacking: bool) -> None:
    for position, axis in enumerate(searched):
        axes.axvline(position, color=svg.MUTED, linewidth=0.9)
        marks = _marks(axis)
        for place, text in marks:
            axes.text(position + 0.03, place, text, fontsize=8.5, va="center", ha="left", color=svg.INK, bbox=_BACKED)
    last = len(searched)
    axes.axvline(last, color=svg.INK, linewidth=1.2)
    for place, value in zip((0.0, 1.0), ends, strict=True):
        axes.text(last + 0.03, place, view.metric.show(value), fontsize=8.5, va="center", ha="left", color=svg.INK)
    if lacking:
        axes.text(-0.06, _NOT_USED, "not used", fontsize=8.5, va="center", ha="right", color=svg.INK)
    names = [plain.line(axis.name, 30) for axis in searched]
    axes.set_xticks(range(last + 1), [*names, f"validation {view.metric.axis}"], rotation=24, ha="right", rotation_mode="anchor")
    axes.set_yticks([])
    axes.set_xlim(-0.1, last + 0.3)
    axes.set_ylim(_NOT_USED - 0.07 if lacking else -0.06, 1.06)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)


_BACKED = {"boxstyle": "square,pad=0.1", "facecolor": svg.PAPER, "edgecolor": "none", "alpha": 0.75}


def _marks(axis: Axis) -> list[tuple[float, str]]:
    """Return what is written along an axis: its options, or the ends of its numbers."""
    if axis.options:
        return [(i / (len(axis.options) - 1), plain.line(option, 14)) for i, option in enumerate(axis.options[:12])]
    return [(0.0, short(axis.numbers[0])), (1.0, short(axis.numbers[-1]))]
