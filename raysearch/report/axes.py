"""Searched parameters as axes of a drawing, and the values of trials against them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from raysearch.report import plain, svg
from raysearch.report.formats import short
from raysearch.report.hover import SILENT
from raysearch.report.importance import Importances
from raysearch.report.names import leaf
from raysearch.report.sections.asked import domains
from raysearch.report.view import View
from raysearch.results.record import TrialRecord

POINTS = 1000
"""At most so many trials are drawn as points."""

_TICKED = 6
_STEPS = (1, 2, 2.5, 5, 10)
_SPREAD = 3.0
Item = TypeVar("Item")


@dataclass(frozen=True)
class Axis:
    """A searched parameter.

    Attributes:
        name: as it is recorded.
        options: what it can be, in order, where that is no number; empty for numbers.
        numbers: the different numbers that trials have, ascending; empty for options.
        logarithmic: equal ratios lie equally far apart.
    """

    name: str
    options: tuple[str, ...]
    numbers: tuple[float, ...]
    logarithmic: bool

    @property
    def title(self) -> str:
        """Its name, as it is printed."""
        return plain.line(self.name, 60)

    def place(self, trial: TrialRecord) -> float | None:
        """Return where a trial lies: its number, or the position of its option; None if it does not have the parameter."""
        if self.name not in trial.values:
            return None
        value = trial.values[self.name]
        return plain.number(value) if self.numbers else float(self.options.index(leaf(value)))

    def shares(self, places: Sequence[float]) -> NDArray[np.float64]:
        """Return how far along the axis places lie, from 0 to 1."""
        ends = (self.numbers[0], self.numbers[-1]) if self.numbers else (0.0, float(len(self.options) - 1))
        low, high, array = (np.log(part) if self.logarithmic else np.asarray(part, dtype=np.float64) for part in (*ends, places))
        found: NDArray[np.float64] = (array - low) / (high - low)
        return found

    def dress(self, axes: Axes, which: Literal["x", "y"] = "x") -> None:
        """Give a drawing's axis its scale, ticks and label."""
        line = axes.xaxis if which == "x" else axes.yaxis
        if self.options:
            line.set_ticks(range(len(self.options)), [plain.line(option, 14) for option in self.options])
            (axes.set_xlim if which == "x" else axes.set_ylim)(-0.5, len(self.options) - 0.5)
        if self.logarithmic:
            scale_by_ratios(axes, self.numbers, which)
        line.set_label_text(plain.line(self.name, 44))


def scale_by_ratios(axes: Axes, numbers: Sequence[float], which: Literal["x", "y"] = "x") -> None:
    """Make an axis logarithmic, with ticks at the numbers themselves where they are few."""
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    line, different = axes.xaxis if which == "x" else axes.yaxis, sorted(set(numbers))
    if len(different) <= _TICKED:
        line.set_major_locator(FixedLocator(different))
    else:
        ratio = different[-1] / different[0]
        line.set_major_locator(
            LogLocator(subs=(1.0,) if ratio > 300 else (1.0, 3.0) if ratio > 20 else (1.0, 2.0, 5.0), numticks=8)
        )
    line.set_minor_locator(NullLocator())
    line.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def searched_axes(view: View, trials: Sequence[TrialRecord], importances: Importances) -> tuple[Axis, ...]:
    """List the parameters that take two values at least in some trials, the most important first, then as trials name them."""
    known = {domain.name: domain for domain in domains(view.record.spec)}
    names = list(dict.fromkeys(name for trial in trials for name in trial.values))
    found = []
    for name in sorted(names, key=lambda name: -importances.of(name)):
        values = [trial.values[name] for trial in trials if name in trial.values]
        texts, numbers = set(map(leaf, values)), [plain.number(value) for value in values]
        known_numbers = sorted({number for number in numbers if number is not None})
        if len(texts) < 2:
            continue
        if None in numbers:
            listed = known[name].options if name in known else ()
            options = tuple(dict.fromkeys((*(option for option in listed if option in texts), *sorted(texts))))
            found.append(Axis(name, options, (), False))
        else:
            low, high = known_numbers[0], known_numbers[-1]
            log = name in known and known[name].logarithmic and low > 0 and high > 3 * low
            found.append(Axis(name, (), tuple(known_numbers), log))
    return tuple(found)


def valued(view: View) -> tuple[TrialRecord, ...]:
    """Return the search trials with a value, of full length or stopped early; at most `POINTS`, evenly chosen."""
    some = [trial for trial in view.search if trial.value is not None and trial.status in ("finished", "stopped")]
    return tuple(thinned(some, POINTS))


def thinned(items: Sequence[Item], limit: int) -> Sequence[Item]:
    """Choose so many items evenly, the first and the last among them."""
    if len(items) <= limit:
        return items
    return [items[i] for i in dict.fromkeys(np.linspace(0, len(items) - 1, limit).round().astype(int).tolist())]


def span_of(view: View, values: Iterable[float], line: float | None = None) -> tuple[float, float] | None:
    """Return the range of values that is worth its space: all but what lies far on the wrong side of the middle half.

    Args:
        line: a value that is within it whatever the others are.
    """
    array = np.asarray(list(values), dtype=np.float64)
    if not array.size:
        return None
    first, third = np.quantile(array, (0.25, 0.75))
    reach = _SPREAD * float(third - first)
    low, high = float(array.min()), float(array.max())
    if view.metric.larger_is_better:
        low = max(low, float(first) - reach)
    else:
        high = min(high, float(third) + reach)
    if line is not None:
        low, high = min(low, line), max(high, line)
    room = 0.06 * (high - low) or 0.01 * abs(high) or 1.0
    return low - room, high + room


def paint_values(
    axes: Axes,
    points: Sequence[tuple[float, TrialRecord]],
    span: tuple[float, float] | None,
    *,
    look: int = 0,
    label: str | None = None,
) -> None:
    """Draw trials at places by their values: filled at full length, hollow when stopped early, a triangle where out of the span."""
    color = svg.SERIES[look % len(svg.SERIES)]
    low, high = span if span is not None else (-np.inf, np.inf)
    known = [(place, trial.value, trial.status == "finished") for place, trial in points if trial.value is not None]
    marker = svg.MARKERS[look % len(svg.MARKERS)]
    for full in (True, False):
        inside = [(place, value) for place, value, whole in known if whole == full and low <= value <= high]
        fill = color if full else "none"
        named = label if full else None
        axes.scatter(*_split(inside), s=28, marker=marker, facecolors=fill, edgecolors=color, linewidths=1.3, label=named)
    below = [(place, low) for place, value, _ in known if value < low]
    above = [(place, high) for place, value, _ in known if value > high]
    for outside, shape in ((below, "v"), (above, "^")):
        axes.scatter(
            *_split(outside), s=18, marker=shape, facecolors="none", edgecolors=svg.MUTED, linewidths=1, clip_on=False, label=SILENT
        )
    if span is not None:
        axes.set_ylim(low, high)


def _split(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [place for place, _ in points], [value for _, value in points]


def few_ticks(axes: Axes, *, x: int = 5, y: int = 5) -> None:
    """Let a small panel have few ticks on linear axes."""
    if axes.get_xscale() == "linear" and not isinstance(axes.xaxis.get_major_locator(), FixedLocator):
        axes.xaxis.set_major_locator(MaxNLocator(nbins=x, steps=_STEPS))
    if axes.get_yscale() == "linear" and not isinstance(axes.yaxis.get_major_locator(), FixedLocator):
        axes.yaxis.set_major_locator(MaxNLocator(nbins=y, steps=_STEPS))
