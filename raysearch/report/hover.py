"""What a drawing's points read, for the page's script: it shows them under a pointer and to the keyboard.

The points come from what was drawn (lines, scatter plots, bars, steps of a histogram), so that a painter writes nothing for it.
What has no label goes by the label of what has its colour. A label that begins with an underscore stands in no legend but is told
here (``_trial 12``); what is labelled `SILENT` is not told.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.patches import StepPatch
from matplotlib.ticker import LogFormatter, ScalarFormatter
from numpy.typing import NDArray

from raysearch.report.formats import fixed, short

SILENT = "_"
"""The label of what is drawn for its look alone."""

POINTS = 320
"""A drawing tells at most this many points, taken evenly from its series."""

_LABEL = 60
_STEPS = 200
"""So many values can be told apart along an axis."""
_AUTOMATIC = re.compile(r"_child\d+|_?container\d+|_nolegend_")
"""Labels that matplotlib gives."""


@dataclass(frozen=True)
class _Series:
    label: str
    colour: str
    xs: NDArray[np.float64]
    ys: NDArray[np.float64]

    @property
    def public(self) -> str:
        """What a legend calls it; empty if no legend does."""
        return "" if self.label.startswith("_") else self.label


def told(axes: Axes, height: int) -> str:
    """Print the points of a finished drawing as JSON; empty if it has none.

    Args:
        axes: after everything in it has found its place.
        height: of the drawing, in points.

    Returns:
        ``{"x": label, "y": label, "s": [[name, [x], [y], [text of x], [text of y]], ...]}`` with places in whole points from the
        drawing's upper left corner; a label is empty where the axis has none.
    """
    found = [_inside(axes, one) for one in _every(axes)]
    found = [one for one in found if len(one.xs)]
    if not found:
        return ""
    names = {one.colour: one.public for one in reversed(found) if one.public}
    total = sum(len(one.xs) for one in found)
    across, up = (_printer(axes.xaxis, [one.xs for one in found]), _printer(axes.yaxis, [one.ys for one in found]))
    series: list[list[object]] = []
    seen: set[tuple[str, int, int]] = set()
    for one in found:
        chosen = _thinned(len(one.xs), total)
        places = axes.transData.transform(np.column_stack([one.xs[chosen], one.ys[chosen]]))
        parts = [one.public or names.get(one.colour, ""), one.label.removeprefix("_") if not one.public else ""]
        name = ", ".join(filter(None, parts))[:_LABEL]
        marks = [(name, round(float(x)), round(height - float(y))) for x, y in places]
        new = [i for i, mark in enumerate(marks) if mark not in seen]
        seen.update(marks)
        xs, ys = ([marks[i][axis] for i in new] for axis in (1, 2))
        if new:
            texts = ([across(float(one.xs[chosen[i]])) for i in new], [up(float(one.ys[chosen[i]])) for i in new])
            series.append([name, xs, ys, *texts])
    title = axes.get_ylabel() or ("" if _named(axes.yaxis) else axes.get_title("left") or axes.get_title())
    return json.dumps({"x": axes.get_xlabel(), "y": title, "s": series}, ensure_ascii=False, separators=(",", ":"))


def _every(axes: Axes) -> Iterator[_Series]:
    """List what was drawn at places of the data, in the order of drawing."""
    inner = {id(part): container for container in axes.containers for part in container.get_children()}
    for line in axes.lines:
        container = inner.get(id(line))
        label = container.get_label() if isinstance(container, ErrorbarContainer) else line.get_label()
        if label != SILENT and _of_data(axes, line.get_transform()):
            yield _Series(_label(label), to_hex(line.get_color()), _numbers(line.get_xdata(orig=False)), _numbers(line.get_ydata()))
    for collection in axes.collections:
        if isinstance(collection, PathCollection) and collection.get_label() != SILENT:
            places = np.asarray(np.ma.filled(collection.get_offsets(), np.nan), dtype=np.float64)
            yield _Series(_label(collection.get_label()), _colour_of(collection), places[:, 0], places[:, 1])
    for container in axes.containers:
        if isinstance(container, BarContainer) and container.get_label() != SILENT:
            yield _bars(container)
    for patch in axes.patches:
        if isinstance(patch, StepPatch) and patch.get_label() != SILENT:
            values, edges, _ = patch.get_data()
            middles = (_numbers(edges)[:-1] + _numbers(edges)[1:]) / 2
            colour = patch.get_facecolor() if patch.get_fill() else patch.get_edgecolor()
            yield _Series(_label(patch.get_label()), to_hex(colour), middles, _numbers(values))


def _bars(container: BarContainer) -> _Series:
    """Return the ends of bars that stand or lie."""
    boxes = [bar.get_bbox() for bar in container.patches]
    middles = np.array([(box.y0 + box.y1) / 2 if container.orientation == "horizontal" else (box.x0 + box.x1) / 2 for box in boxes])
    ends = np.array([box.x1 if container.orientation == "horizontal" else box.y1 for box in boxes])
    xs, ys = (ends, middles) if container.orientation == "horizontal" else (middles, ends)
    colour = to_hex(container.patches[0].get_facecolor()) if container.patches else ""
    return _Series(_label(container.get_label()), colour, xs, ys)


def _of_data(axes: Axes, transform: Any) -> bool:
    """Tell what lies at data in both directions from lines across the whole axes."""
    return all(transform.contains_branch_seperately(axes.transData))


def _colour_of(collection: PathCollection) -> str:
    edges, faces = collection.get_edgecolor(), collection.get_facecolor()
    colours = edges if len(edges) else faces
    return to_hex(colours[0]) if len(colours) == 1 else ""


def _label(label: object) -> str:
    return "" if _AUTOMATIC.fullmatch(str(label)) else str(label).strip().lstrip("\u200a")


def _numbers(values: Any) -> NDArray[np.float64]:
    return np.atleast_1d(np.asarray(np.ma.filled(values, np.nan), dtype=np.float64))


def _inside(axes: Axes, one: _Series) -> _Series:
    """Leave out what is not seen."""
    (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    seen = (one.xs >= left) & (one.xs <= right) & (one.ys >= low) & (one.ys <= high)
    return _Series(one.label, one.colour, one.xs[seen], one.ys[seen])


def _thinned(size: int, total: int) -> NDArray[np.int64]:
    wanted = size if total <= POINTS else max(1, size * POINTS // total)
    return np.unique(np.linspace(0, size - 1, wanted).round().astype(np.int64))


def _named(axis: Axis) -> bool:
    """Tell an axis with names at its ticks from one with numbers."""
    return not isinstance(axis.get_major_formatter(), ScalarFormatter | LogFormatter)


def _printer(axis: Axis, series: Sequence[NDArray[np.float64]]) -> Callable[[float], str]:
    """Print values as the axis does where it has words of its own, else with as many digits as its length can show."""
    if _named(axis):
        formatter = axis.get_major_formatter()
        return lambda value: formatter(value, None) or short(value)
    low, high = sorted(axis.get_view_interval())
    whole = all(bool(np.all(values == np.round(values))) for values in series)
    if axis.get_scale() != "linear" or max(abs(low), abs(high)) >= 1e6:
        return short
    decimals = 0 if whole else max(0, math.ceil(-math.log10((high - low) / _STEPS)))
    return lambda value: fixed(value, decimals)
