"""Validation values while search trials run, with the lengths at which the scheduler stopped some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.axes import thinned
from raysearch.report.document import Block, Cell, Column, Figure, Table
from raysearch.report.formats import fixed
from raysearch.report.hover import SILENT
from raysearch.report.names import strategy
from raysearch.report.series import Curve, curve
from raysearch.report.view import View, kinds, sampler_of
from raysearch.results.record import TrialRecord

_BEST, _OTHERS = 25, 35
_POINTS = 60
_LISTED = 12
_RUNGS = 8
Drawn = Sequence[tuple[TrialRecord, Curve]]


def blocks(view: View) -> list[Block]:
    """Draw the curves of the best trials and of some of the others."""
    found = [(trial, one) for trial in view.search if (one := curve(str(trial.number), [trial], view.metric.name)) is not None]
    every = [(trial, one) for trial, one in found if len(one.steps) > 1]
    return [_figure(view, every)] if every else []


def rungs(view: View) -> tuple[int, ...]:
    """Return the steps at which most trials were stopped, ascending."""
    counted = Counter(trial.step for trial in view.search if trial.status == "stopped")
    most = sorted(counted, key=lambda step: (-counted[step], step))[:_RUNGS]
    return tuple(sorted(most))


def _chosen(view: View, every: Drawn) -> tuple[TrialRecord | None, Drawn]:
    """Return the trial that ends best, and what is drawn: the best, then the others evenly."""
    sign = 1 if view.metric.larger_is_better else -1
    ranked = sorted(every, key=lambda pair: (-sign * pair[1].mean[-1], pair[0].number))
    rest = sorted(ranked[_BEST:], key=lambda pair: pair[0].number)
    return ranked[0][0], [*ranked[:_BEST], *thinned(rest, _OTHERS)]


def _figure(view: View, every: Drawn) -> Figure:
    best, drawn = _chosen(view, every)
    groups, stops = kinds([trial for trial, _ in drawn]), rungs(view)

    def paint(axes: Axes) -> None:
        for step in stops:
            axes.axvline(step, color=svg.MUTED, linewidth=1, linestyle=(0, (2, 3)))
        for i, kind in enumerate(groups):
            look = i % len(svg.SERIES)
            label: str | None = f"\u200a{plain.line(strategy(kind), 30) or 'not recorded'}"
            for trial, one in drawn:
                if sampler_of(trial) == kind:
                    _paint(axes, trial, one, look, label)
                    label = None
        axes.set_xlabel("optimisation steps")
        axes.set_ylabel(f"validation {view.metric.axis}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)

    ending = next(one for trial, one in drawn if trial is best)
    reached = f"{view.metric.show(ending.mean[-1])} {view.metric.unit}".rstrip()
    words = f"{len(drawn)} curves; the best ends at {reached} (trial {ending.label})."
    drawing = svg.panel(f"{view.prefix}-search-curves", "Validation curves of the search", words, paint, height=290)
    caption = "Validation curves of the search trials by sampling strategy. Hollow ends: the trial did not run its full length."
    if stops:
        caption += f" Dotted: after {', '.join(f'{step:,}' for step in stops)} steps trials were stopped."
    if len(every) > len(drawn):
        caption += f" The best {_BEST} of {len(every)}, and {len(drawn) - _BEST} of the others, evenly chosen."
    return Figure("search-curves", caption, (drawing,), _table(drawn))


def _paint(axes: Axes, trial: TrialRecord, one: Curve, look: int, label: str | None) -> None:
    color = svg.SERIES[look]
    places = thinned(range(len(one.steps)), _POINTS)
    steps, values = [one.steps[i] for i in places], [one.mean[i] for i in places]
    axes.plot(
        steps, values, color=color, linestyle=svg.DASHES[look], linewidth=1.1, alpha=0.85, label=label or f"_trial {one.label}"
    )
    fill: Literal["none", "full"] = "none" if trial.status != "finished" else "full"
    axes.plot(steps[-1:], values[-1:], color=color, marker=svg.MARKERS[look], fillstyle=fill, linestyle="none", label=SILENT)


def _table(drawn: Drawn) -> Table:
    rows = [
        (Cell(one.label), Cell(str(step)), Cell(fixed(value, 4)))
        for _, one in drawn
        for step, value in list(zip(one.steps, one.mean, strict=True))[-_LISTED:]
    ]
    title = f"Numbers of the figure; the last {_LISTED} of a long curve."
    return Table("search-curves-data", title, (Column("Trial"), Column("Step"), Column("Value")), tuple(rows))
