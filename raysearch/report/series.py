"""Curves over training: the same statistic of several trials, thinned for drawing, with a band over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.document import Cell, Column, Table
from raysearch.report.formats import fixed
from raysearch.results.record import TrialRecord

POINTS = 200
"""A drawn curve has at most this many points."""

_SECONDS = "train_seconds"


@dataclass(frozen=True)
class Curve:
    """A statistic against steps, or against device time.

    Attributes:
        label: of the series.
        steps: optimisation steps, or device seconds, rising.
        mean: over the trials that report at that step; likewise ``low`` and ``high``, the least and the most.
        trials: how many trials went in.
    """

    label: str
    steps: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    trials: int


def curve(label: str, trials: Sequence[TrialRecord], metric: str) -> Curve | None:
    """Average a metric over trials at the steps that all of them report; None if there is none."""
    values = [known for trial in trials if (known := _known(trial, metric))]
    if not values:
        return None
    steps = sorted(set.intersection(*(set(known) for known in values)))
    if not steps:
        return None
    steps = _thinned(steps)
    table = np.asarray([[known[step] for step in steps] for known in values])
    mean, low, high = (tuple(float(v) for v in row) for row in (table.mean(axis=0), table.min(axis=0), table.max(axis=0)))
    return Curve(label, tuple(steps), mean, low, high, len(values))


def timed(label: str, trials: Sequence[TrialRecord], metric: str) -> Curve | None:
    """Return `curve` against the mean device time of the trials at its steps; None where a trial does not tell it."""
    found = curve(label, trials, metric)
    counted = [trial for trial in trials if _known(trial, metric)]
    times = [_known(trial, _SECONDS) for trial in counted]
    if found is None or not all(step in known for step in found.steps for known in times):
        return None
    spent = [[known[int(step)] * workers_of(trial) for step in found.steps] for trial, known in zip(counted, times, strict=True)]
    return replace(found, steps=tuple(float(value) for value in np.mean(spent, axis=0)))


def _known(trial: TrialRecord, metric: str) -> dict[int, float]:
    points = {point.step: plain.number(point.metrics.get(metric)) for point in trial.reports}
    return {step: value for step, value in points.items() if value is not None}


def workers_of(trial: TrialRecord) -> float:
    """Return on how many devices a trial ran; one where it does not say."""
    return plain.number(trial.facts.get("workers")) or 1.0


def device_seconds(trial: TrialRecord) -> float | None:
    """Return for how long a trial trained, evaluations left out, times its devices; None where it does not tell."""
    spent = plain.number(trial.reports[-1].metrics.get(_SECONDS)) if trial.reports else None
    return None if spent is None else spent * workers_of(trial)


def paint_curves(axes: Axes, curves: Sequence[Curve]) -> None:
    """Draw curves with their bands; colour, dash and marker differ together."""
    for i, one in enumerate(curves):
        paint_curve(axes, one, i, markers=8, label=44)


def paint_curve(axes: Axes, one: Curve, position: int, *, markers: int, label: int) -> None:
    """Draw one curve in the look of its position, with about so many markers and a label of at most so many letters."""
    look = position % len(svg.SERIES)
    if one.trials > 1:
        axes.fill_between(one.steps, one.low, one.high, color=svg.SERIES[look], alpha=0.18, linewidth=0)
    axes.plot(
        one.steps,
        one.mean,
        color=svg.SERIES[look],
        linestyle=svg.DASHES[look],
        marker=svg.MARKERS[look],
        markevery=max(1, len(one.steps) // markers),
        label=f"\u200a{plain.line(one.label, label)}",
    )


def curve_table(name: str, curves: Sequence[Curve], statistic: str = "", place: str = "Step") -> Table:
    """List the numbers of curves."""
    columns = (Column("Series", align="text"), Column(place), Column("Mean"), Column("Least"), Column("Most"), Column("Trials"))
    rows = []
    for one in curves:
        for at, *values in zip(one.steps, one.mean, one.low, one.high, strict=True):
            label = f"{statistic}, {one.label}" if statistic else one.label
            shown = str(at) if isinstance(at, int) else fixed(at, 2)
            rows.append((Cell(label), Cell(shown), *(Cell(fixed(value, 4)) for value in values), Cell(str(one.trials))))
    return Table(name, "Numbers of the figure.", columns, tuple(rows))


def _thinned(steps: list[int]) -> list[int]:
    if len(steps) <= POINTS:
        return steps
    chosen = np.linspace(0, len(steps) - 1, POINTS).round().astype(int)
    return [steps[i] for i in dict.fromkeys(chosen.tolist())]
