"""How the values of a search are distributed: the share of its trials that reach at least a value, by strategy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.axes import span_of, thinned
from raysearch.report.document import Block, Cell, Column, Figure, Table
from raysearch.report.factors import full_length
from raysearch.report.formats import fixed, plural
from raysearch.report.names import strategy
from raysearch.report.view import View, kinds, sampler_of

_LEAST = 4
_POINTS = 200


def blocks(view: View) -> list[Block]:
    """Draw the distribution; nothing below four trials of full length."""
    trials = full_length(view)
    groups = [(kind, _values(view, kind)) for kind in kinds(trials)]
    if len(trials) < _LEAST:
        return []
    return [_figure(view, [(kind, values) for kind, values in groups if values])]


def _values(view: View, kind: str) -> list[float]:
    return sorted(t.value for t in full_length(view) if t.value is not None and sampler_of(t) == kind)


def reached(view: View, values: Sequence[float]) -> list[float]:
    """Return, for values in rising order, the share of them that is at least as good as each."""
    array = np.asarray(values)
    before = np.searchsorted(array, array, side="left" if view.metric.larger_is_better else "right") / array.size
    return [float(share) for share in (1 - before if view.metric.larger_is_better else before)]


def _figure(view: View, groups: Sequence[tuple[str, list[float]]]) -> Figure:
    span = span_of(view, [value for _, values in groups for value in values])
    shares = [reached(view, values) for _, values in groups]

    def paint(axes: Axes) -> None:
        for i, ((kind, values), share) in enumerate(zip(groups, shares, strict=True)):
            look = i % len(svg.SERIES)
            places = thinned(range(len(values)), _POINTS)
            axes.step(
                [values[p] for p in places],
                [share[p] for p in places],
                where="pre" if view.metric.larger_is_better else "post",
                color=svg.SERIES[look],
                linestyle=svg.DASHES[look],
                marker=svg.MARKERS[look],
                markersize=4,
                markevery=max(1, len(places) // 8),
                label=f"\u200a{plain.line(strategy(kind), 30) or 'not recorded'} ({len(values)})",
            )
        axes.set_ylim(0, 1.03)
        if span is not None:
            axes.set_xlim(*span)
        axes.set_xlabel(f"validation {view.metric.axis}")
        axes.set_ylabel("share that is at least as good")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)

    total = sum(len(values) for _, values in groups)
    middle = "; ".join(
        f"{strategy(kind) or 'not recorded'}: half reach {view.metric.show(float(np.median(values)))}" for kind, values in groups
    )
    drawing = svg.panel(f"{view.prefix}-edf", "Distribution of values", f"{middle}.", paint, height=285)
    caption = (
        f"Share of the trials that reach a validation value, over {plural(total, 'trial')} of full length, by strategy (trials in "
        "brackets). A curve farther right is a strategy that needs less luck with the other parameters, but the searcher does not "
        "try all of them alike."
    )
    rows = [
        (Cell(strategy(kind) or "not recorded"), Cell(fixed(values[p], 4)), Cell(fixed(share[p], 4)))
        for (kind, values), share in zip(groups, shares, strict=True)
        for p in thinned(range(len(values)), _POINTS)
    ]
    columns = (Column("Strategy", align="text"), Column("Value"), Column("Share at least as good"))
    return Figure("edf", caption, (drawing,), Table("edf-data", "Numbers of the figure.", columns, tuple(rows)))
