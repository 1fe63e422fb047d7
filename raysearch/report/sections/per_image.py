"""The winner against the baseline, photograph by photograph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.compare import primary_places
from raysearch.report.document import Block, Cell, Column, Figure, Missing, Table
from raysearch.report.formats import NONE, fixed, plural, signed
from raysearch.report.scores import Place
from raysearch.report.view import Method, View
from raysearch.results.statistics import Comparison, paired_difference

_DRAWN = 40


@dataclass(frozen=True)
class ImageRow:
    """One photograph at one level.

    Attributes:
        baseline: mean over seeds; likewise ``winner``.
        difference: the winner's minus the baseline's, with an interval over seeds; None where a value is infinite.
    """

    place: Place
    image: str
    baseline: float
    winner: float
    difference: Comparison | None

    @property
    def gain(self) -> float:
        """The mean difference; NaN where a value is infinite."""
        return self.difference.difference if self.difference is not None else math.nan

    @property
    def ends(self) -> tuple[float, float] | None:
        """The interval over seeds; None for a single seed, or where both methods gave the same with every seed."""
        if self.difference is None or self.difference.identical or math.isnan(self.difference.low):
            return None
        return self.difference.low, self.difference.high


def blocks(view: View, baseline: Method) -> list[Block]:
    """Write the table and the figure."""
    winner = view.winner
    if winner is None:
        return [Missing("The winner has no finished trial, so there are no differences by photograph.")]
    rows = image_rows(view, winner, baseline)
    if not rows:
        return [Missing("The winner and the baseline have no test photograph in common.")]
    usable = [row for row in rows if row.difference is not None]
    drawn: Block = Missing("Differences by photograph can't be drawn: a value is infinite.")
    if usable:
        drawn = _figure(view, winner, baseline, usable)
    return [_table(view, winner, baseline, rows), drawn]


def image_rows(view: View, winner: Method, baseline: Method) -> list[ImageRow]:
    """Set the two methods side by side on each photograph and level."""
    trials = (*winner.numbers, *baseline.numbers)
    return [
        _row(view, winner, baseline, place, image) for place in primary_places(view) for image in view.scores.images(trials, place)
    ]


def _row(view: View, winner: Method, baseline: Method, place: Place, image: str) -> ImageRow:
    ours = view.scores.matrix(winner.numbers, [(place, image)], view.metric.name)
    theirs = view.scores.matrix(baseline.numbers, [(place, image)], view.metric.name)
    finite = bool(np.isfinite(ours).all() and np.isfinite(theirs).all())
    difference = paired_difference(ours, theirs, seeds=(winner.seeds, baseline.seeds)) if finite else None
    return ImageRow(place, image, float(theirs.mean()), float(ours.mean()), difference)


def _table(view: View, winner: Method, baseline: Method, rows: Sequence[ImageRow]) -> Table:
    metric = view.metric
    cells = []
    for row in rows:
        ahead = row.winner > row.baseline if metric.larger_is_better else row.winner < row.baseline
        tied = row.winner == row.baseline
        cells.append(
            (
                Cell(row.image),
                Cell(row.place.title),
                Cell(metric.show(row.baseline), row.baseline, "" if ahead else "best"),
                Cell(metric.show(row.winner), row.winner, "best" if ahead or tied else ""),
                Cell(signed(row.gain, metric.decimals), None if math.isnan(row.gain) else row.gain),
                Cell(metric.interval(*row.ends) if row.ends else NONE, row.ends[0] if row.ends else None),
            )
        )
    titles = (baseline.title, winner.title, f"Δ {metric.axis}", "95\N{NO-BREAK SPACE}% over seeds")
    columns = (Column("Photograph", align="text"), Column("Test set", align="text"), *(Column(title) for title in titles))
    wins = sum(cell[3].mark == "best" and cell[2].mark == "" for cell in cells)
    caption = (
        f"{metric.title} by photograph, means over seeds ({rows[0].place.protocol}). "
        f"{winner.title} is ahead on {wins} of {plural(len(rows), 'row')}."
    )
    return Table("per-image", caption, columns, tuple(cells), sortable=True)


def _figure(view: View, winner: Method, baseline: Method, rows: Sequence[ImageRow]) -> Block:
    ordered = sorted(rows, key=lambda row: row.gain)
    shown = ordered if len(ordered) <= _DRAWN else ordered[: _DRAWN // 2] + ordered[-_DRAWN // 2 :]
    several = len({row.place for row in rows}) > 1
    labels = [plain.line(f"{row.image} ({row.place.level})" if several else row.image, 26) for row in shown]

    def paint(axes: Axes) -> None:
        axes.axvline(0, color=svg.MUTED, linewidth=1)
        for position, row in enumerate(shown):
            if row.ends:
                axes.plot(
                    row.ends,
                    [position, position],
                    color=svg.SERIES[0],
                    linewidth=2,
                    solid_capstyle="round",
                    label="_end of the interval",
                )
            axes.plot([row.gain], [position], color=svg.SERIES[0], marker="o")
        axes.set_yticks(range(len(shown)), labels)
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"difference in {view.metric.axis}")

    words = (
        f"Paired differences between {winner.title} and {baseline.title} on {plural(len(rows), 'row')}: from "
        f"{signed(ordered[0].gain, view.metric.decimals)} on {ordered[0].image} to "
        f"{signed(ordered[-1].gain, view.metric.decimals)} on {ordered[-1].image}."
    )
    height = max(120, 60 + 22 * len(shown))
    drawing = svg.panel(f"{view.prefix}-differences", "Differences by photograph", words, paint, height=height)
    columns = (Column("Photograph", align="text"), Column("Difference"), Column("Low"), Column("High"))
    numbers = [(row.gain, *(row.ends or (None, None))) for row in shown]
    data = tuple(
        (Cell(label), *(Cell(fixed(value, 4), value) for value in three)) for label, three in zip(labels, numbers, strict=True)
    )
    caption = (
        f"{winner.title} minus {baseline.title} by photograph: difference of means over seeds with its 95\N{NO-BREAK SPACE}% "
        f"interval over seeds. Right of zero is {'a gain' if view.metric.larger_is_better else 'a loss'}."
    )
    return Figure("differences", caption, (drawing,), Table("differences-data", "Numbers of the figure.", columns, data))
