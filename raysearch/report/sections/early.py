"""Whether early reports predict how trials end: what early stopping, or a shorter training, would be worth."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes

from raysearch.report import svg
from raysearch.report.document import Block, Cell, Column, Figure, Prose, Table
from raysearch.report.formats import NONE, fixed, plural
from raysearch.report.view import View
from raysearch.results.rungs import LEAST, Agreement, agreements

_SHOWN = 30


def blocks(view: View) -> list[Block]:
    """Draw the rank correlation against the step; nothing below four trials that ran their full length without being selected."""
    stopped = sorted({trial.step for trial in view.search if trial.status == "stopped"})
    every = [one for one in agreements(view.record.trials, view.metric.name) if not math.isnan(one.correlation.low)]
    if not every:
        return []
    shown = _thinned(every, stopped)
    bad = [one.step for one in every if one.misleads and one.step in stopped]
    found: list[Block] = [_figure(view, shown, stopped)]
    if bad:
        steps = ", ".join(str(step) for step in bad)
        found.append(
            Prose((f"Warning: trials were stopped after {steps} steps, where their order predicts the order at the end badly.",))
        )
    return found


def _thinned(every: Sequence[Agreement], stopped: Sequence[int]) -> list[Agreement]:
    stride = -(-len(every) // _SHOWN)
    return [one for i, one in enumerate(every) if i % stride == 0 or one.step in stopped]


def _figure(view: View, shown: Sequence[Agreement], stopped: Sequence[int]) -> Figure:
    steps = [one.step for one in shown]
    used = [one for one in shown if one.step in stopped]

    def paint(axes: Axes) -> None:
        low, high = [one.correlation.low for one in shown], [one.correlation.high for one in shown]
        axes.fill_between(steps, low, high, color=svg.SERIES[0], alpha=0.18, linewidth=0)
        axes.plot(steps, [one.correlation.rho for one in shown], color=svg.SERIES[0], marker=svg.MARKERS[0], label="all reports")
        axes.scatter(
            [one.step for one in used],
            [one.correlation.rho for one in used],
            s=70,
            facecolors="none",
            edgecolors=svg.INK,
            label="trials were stopped here",
        )
        axes.axhline(LEAST, color=svg.MUTED, linewidth=1)
        axes.set_ylim(top=1.05)
        axes.set_xlabel("optimisation steps")
        axes.set_ylabel("rank correlation with the end")
        axes.legend(loc="lower right")

    first, last = shown[0], shown[-1]
    words = (
        f"From {fixed(first.correlation.rho, 2)} after {first.step} steps to {fixed(last.correlation.rho, 2)} after {last.step}."
    )
    drawing = svg.panel(f"{view.prefix}-early", "Early reports and the end", words, paint)
    caption = (
        f"How well a report predicts the order of trials at full length: Spearman's rank correlation with its 95 % interval, over "
        f"{plural(max(one.correlation.n for one in shown), 'trial')} that nobody selected. The line marks {LEAST}."
    )
    return Figure("early", caption, (drawing,), _table(shown, stopped))


def _table(shown: Sequence[Agreement], stopped: Sequence[int]) -> Table:
    columns = (
        Column("Step"),
        Column("Correlation"),
        Column("Low"),
        Column("High"),
        Column("Trials"),
        Column("Stopped here", align="text"),
    )
    rows = []
    for one in shown:
        c = one.correlation
        numbers = (Cell(fixed(value, 2), value) for value in (c.rho, c.low, c.high))
        rows.append((Cell(str(one.step), one.step), *numbers, Cell(str(c.n), c.n), Cell("yes" if one.step in stopped else NONE)))
    return Table("early-data", "Numbers of the figure.", columns, tuple(rows))
