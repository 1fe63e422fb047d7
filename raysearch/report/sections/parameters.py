"""What mattered in the search: importances, and the value against each parameter."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.axes import POINTS, Axis, few_ticks, paint_values, searched_axes, span_of, valued
from raysearch.report.document import Block, Cell, Column, Figure, Missing, Table
from raysearch.report.formats import NONE, fixed
from raysearch.report.importance import Importances, importances
from raysearch.report.names import leaf
from raysearch.report.view import View
from raysearch.results.record import TrialRecord

BEYOND = "Triangles at the edge: values beyond it."
"""What `raysearch.report.axes.paint_values` draws there."""

_BRANCHES = "Ranked is what every finished trial has: parameters of single branches are not ranked."
_PANELS = 12


def importance_blocks(view: View) -> list[Block]:
    """Draw the importances; say why there are none."""
    found = importances(view)
    return [_bars(view, found)] if found.shares else [Missing(found.problem)]


def _bars(view: View, found: Importances) -> Figure:
    shown = list(found.shares.items())[:15][::-1]

    def paint(axes: Axes) -> None:
        axes.barh(range(len(shown)), [share for _, share in shown], color=svg.SERIES[0], height=0.62)
        axes.set_yticks(range(len(shown)), [plain.line(name, 34) for name, _ in shown])
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("importance")
        axes.set_xlim(left=min(0.0, *(share for _, share in shown)))

    top = shown[-1]
    several = f"The most important of {len(found.shares)} parameters is {top[0]}"
    words = f"{several if len(found.shares) > 1 else f'One parameter is ranked: {top[0]}'} with {fixed(top[1], 2)}."
    drawing = svg.panel(f"{view.prefix}-importance", "Parameter importances", words, paint, height=max(110, 60 + 24 * len(shown)))
    rows = tuple((Cell(name), Cell(fixed(share, 4), share)) for name, share in found.shares.items())
    data = Table("importance-data", "Numbers of the figure.", (Column("Parameter", align="text"), Column("Importance")), rows)
    how = f", by {found.method}" if found.method else ""
    caption = f"How much of the variation of the validation value each parameter accounts for{how}; from few trials, a hint only."
    searched = {plain.line(name, 60) for trial in view.search for name in trial.values}
    if len(found.shares) == 1 or searched - set(found.shares):
        caption = f"{caption} {_BRANCHES}"
    return Figure("importance", caption, (drawing,), data)


def slice_blocks(view: View) -> list[Block]:
    """Draw the value against each searched parameter; nothing where none took two values."""
    trials = valued(view)
    every = searched_axes(view, trials, importances(view))
    if not every:
        return []
    shown = every[:_PANELS]
    span = span_of(view, [trial.value for trial in trials if trial.value is not None and trial.status == "finished"])
    panels = tuple(_slice(view, position, axis, trials, span) for position, axis in enumerate(shown))
    caption = f"Validation {view.metric.title} against each searched parameter. Hollow: stopped early. {BEYOND}"
    if len(every) > _PANELS:
        caption += f" The first {_PANELS} of {len(every)} parameters by importance."
    return [
        Figure(
            "slices", f"{caption}{said_of_points(view, trials)}", panels, settings_table("slices-data", trials, shown), small=True
        )
    ]


def _slice(view: View, position: int, axis: Axis, trials: Sequence[TrialRecord], span: tuple[float, float] | None) -> svg.Drawing:
    points = [(place, trial) for trial in trials if (place := axis.place(trial)) is not None]

    def paint(axes: Axes) -> None:
        paint_values(axes, points, span)
        axis.dress(axes)
        axes.set_ylabel(view.metric.axis)
        few_ticks(axes)

    words = f"{len(points)} trials by {axis.title}."
    return svg.panel(f"{view.prefix}-slice-{position}", f"Value against {axis.title}", words, paint, width=300, height=190)


def said_of_points(view: View, trials: Sequence[TrialRecord]) -> str:
    """Say, as the last sentence of a caption, that only some trials are drawn; empty when all are."""
    every = sum(trial.value is not None and trial.status in ("finished", "stopped") for trial in view.search)
    return f" {POINTS} of {every} trials, evenly chosen." if every > len(trials) else ""


def settings_table(name: str, trials: Sequence[TrialRecord], shown: Sequence[Axis]) -> Table:
    """List trials with their value and what they have of some parameters."""
    columns = (
        Column("Trial"),
        Column("Status", align="text"),
        Column("Value"),
        *(Column(axis.title, align="text") for axis in shown),
    )
    rows = []
    for trial in trials:
        head = (Cell(str(trial.number)), Cell(trial.status or NONE), Cell(fixed(trial.value, 4)))
        rows.append((*head, *(Cell(leaf(trial.values[axis.name]) if axis.name in trial.values else NONE) for axis in shown)))
    return Table(name, "Numbers of the figure.", columns, tuple(rows))
