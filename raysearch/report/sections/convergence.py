"""How the confirmed methods converge, against steps and against device time."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from raysearch.report import svg
from raysearch.report.document import Block, Figure, Missing
from raysearch.report.formats import plural, seconds
from raysearch.report.sections import budgets
from raysearch.report.series import Curve, curve, curve_table, paint_curves, timed
from raysearch.report.view import View


def blocks(view: View) -> list[Block]:
    """Draw the curves and write the table; say why there are none where something was confirmed."""
    curves = [curve(method.title, method.trials, view.metric.name) for method in view.methods]
    known = [one for one in curves if one is not None]
    if not known:
        text = "The confirmation trials report no validation values, so there are no curves over seeds."
        return [Missing(text)] if view.confirmation else []
    return [_by_steps(view, known), *_by_time(view), *budgets.blocks(view)]


def _by_steps(view: View, curves: Sequence[Curve]) -> Figure:
    def paint(axes: Axes) -> None:
        paint_curves(axes, curves)
        _label(axes, view, curves, "optimisation steps")

    ends = "; ".join(f"{one.label} ends at {view.metric.show(one.mean[-1])} {view.metric.unit}".rstrip() for one in curves)
    drawing = svg.panel(f"{view.prefix}-curves", "Validation curves of the confirmation", f"{ends}.", paint, height=_height(curves))
    seeds = ", ".join(sorted({plural(one.trials, "seed") for one in curves}))
    caption = (
        f"Validation {view.metric.title} of the confirmed methods over training: mean over {seeds}; the band goes from the least "
        "to the most."
    )
    return Figure("curves", caption, (drawing,), curve_table("curves-data", curves))


def _by_time(view: View) -> list[Block]:
    """Draw the same against device time, where all trials of a method tell it."""
    curves = [timed(method.title, method.trials, view.metric.name) for method in view.methods]
    known = [one for one in curves if one is not None]
    if len(known) < sum(bool(method.trials) for method in view.methods):
        return []

    def paint(axes: Axes) -> None:
        paint_curves(axes, known)
        _label(axes, view, known, "device seconds")

    ends = "; ".join(f"{one.label} takes {seconds(one.steps[-1])}" for one in known)
    drawing = svg.panel(
        f"{view.prefix}-curves-time", "Validation curves over device time", f"{ends}.", paint, height=_height(known)
    )
    caption = (
        "The same against device time: seconds of training, evaluations left out, times the workers of a trial; the mean over "
        "seeds at each evaluation. What a strategy costs beside the network's own steps shows here."
    )
    return [Figure("curves-time", caption, (drawing,), curve_table("curves-time-data", known, place="Device seconds"))]


def _label(axes: Axes, view: View, curves: Sequence[Curve], what: str) -> None:
    axes.set_xlabel(what)
    axes.set_ylabel(f"validation {view.metric.axis}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=_columns(curves))


def _columns(curves: Sequence[Curve]) -> int:
    return 1 if len(curves) < 3 or max(len(one.label) for one in curves) > 24 else 2


def _height(curves: Sequence[Curve]) -> int:
    return 262 + 14 * -(-len(curves) // _columns(curves))
