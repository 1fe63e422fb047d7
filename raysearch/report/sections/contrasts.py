"""The comparison of runs, or of the values of a setting, as a table, a figure and what a reader has to know."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.budgets import NAMES, shown
from raysearch.report.contrasts import Contrast, Contrasts, contrasts
from raysearch.report.document import Block, Cell, Column, Figure, Missing, Prose, Section, Table
from raysearch.report.formats import NONE, STARS, Metric, fixed, probability, signed, stars
from raysearch.report.hover import SILENT
from raysearch.report.measured import Numbers
from raysearch.report.sides import sides_by, sides_of_runs
from raysearch.report.view import View

_DRAWN = 24
_TITLE = "The runs compared"
EVERY = "all"
"""Begins the ids of what is said about all runs of a page."""


def of_runs(views: Sequence[View]) -> Section:
    """Compare the winners of several runs with that of the first one."""
    sides = sides_of_runs(views)
    if not any(side.trainings for side in sides):
        return Section(
            "compared", _TITLE, (Missing("No run has a trial that ended with a value, so there is nothing to compare."),)
        )
    return section(contrasts(sides), EVERY, "compared")


def by_setting(views: Sequence[View], path: str, name: str) -> Section:
    """Compare the values of a setting over the trials of some runs.

    Raises:
        SpecError: no trial has such a setting, or all have the same.
    """
    return section(contrasts(sides_by(views, path), path), views[0].prefix if len(views) == 1 else EVERY, name)


def section(found: Contrasts, prefix: str, name: str) -> Section:
    """Write a section.

    Args:
        prefix: begins every id of its part of the page.
        name: of the section, unique within the part; letters, digits and hyphens.
    """
    blocks: list[Block] = [table(found, f"{name}-table")]
    drawn = [row for row in found.rows if row.numbers is not None and not math.isnan(row.numbers.low)][:_DRAWN]
    if drawn:
        blocks.append(_figure(found, drawn, f"{prefix}-{name}-forest", f"{name}-forest"))
    blocks += [Missing(f"{line}.") for line in refusals(found)]
    said = notes(found)
    blocks += [Prose((" ".join(said),))] if said else []
    return Section(name, f"Compared by {plain.line(found.by, 60)}" if found.by else _TITLE, tuple(blocks))


def refusals(found: Contrasts) -> tuple[str, ...]:
    """Say of each pair that is not comparable why."""
    return tuple(f"{row.side.name} and {row.reference.name} are not comparable: {row.problem}" for row in found.rows if row.problem)


def table(found: Contrasts, name: str = "compared-table") -> Table:
    """Lay out the comparison: a row a side, against the reference."""
    reference = found.rows[0].reference
    several = sum(row.numbers is not None for row in found.rows) > 1
    columns = [
        Column("Value" if found.by else "Run", align="text"),
        Column(f"Δ {found.metric.title} [95\N{NO-BREAK SPACE}%]"),
        Column("d [95\N{NO-BREAK SPACE}%]"),
        Column("p"),
        *([Column("p, corrected")] if several else []),
        Column("Compared on", align="text"),
        Column(NAMES[found.budget][:1].upper() + NAMES[found.budget][1:]),
    ]
    rows = [_row(row, found, several) for row in found.rows]
    named = " ".join(part for part in (reference.name, f"({reference.words})" if reference.words else "") if part)
    what = f"the values of {plain.line(found.by, 60)}" if found.by else "the runs"
    caption = f"Differences of {what} to {named}, at an equal budget of {NAMES[found.budget]}."
    return Table(name, caption, tuple(columns), tuple(rows), (f"Stars: {STARS}.",))


def _row(row: Contrast, found: Contrasts, several: bool) -> tuple[Cell, ...]:
    title = Cell(row.side.name, note=row.side.words)
    numbers = row.numbers
    if numbers is None:
        empty = [Cell(NONE)] * (4 if several else 3)
        return (title, Cell("not comparable", mark="muted"), *empty[1:], Cell(row.problem), Cell(NONE))
    metric = found.metric
    known = not (math.isnan(numbers.low) or numbers.identical)
    marked = stars(numbers.corrected) if numbers.whole and known else ""
    interval = "identical" if numbers.identical else metric.interval(numbers.low, numbers.high) if known else "no interval"
    worse = known and numbers.whole and (numbers.high < 0 if metric.larger_is_better else numbers.low > 0)
    difference = Cell(f"{metric.difference(numbers.difference)}{marked}", numbers.difference, "bad" if worse else "", interval)
    chances = [Cell(NONE if numbers.identical else probability(p), p) for p in (numbers.p, numbers.corrected)]
    on = "test photographs" if row.basis == "test" else "validation photographs"
    return (
        title,
        difference,
        _effect(numbers),
        *(chances if several else chances[:1]),
        Cell(on, note=row.how),
        Cell(shown(row.limit, found.budget), row.limit),
    )


def _effect(numbers: Numbers) -> Cell:
    effect = numbers.effect
    if math.isnan(effect.d):
        return Cell(NONE)
    known = not math.isnan(effect.low)
    return Cell(signed(effect.d, 2), effect.d, note=f"[{signed(effect.low, 2)}, {signed(effect.high, 2)}]" if known else "")


def notes(found: Contrasts) -> tuple[str, ...]:
    """Say how the numbers came about, and what they do not show."""
    measured = [row for row in found.rows if row.numbers is not None]
    said = list(dict.fromkeys(note for row in found.rows for note in row.notes))
    if not measured:
        return tuple(said)
    bases = {row.basis for row in measured}
    if "test" in bases:
        said.append(
            "Test values are means over photographs (levels averaged within each) and seeds; their intervals account for the "
            "choice of both, and d is measured by the spread of the differences over photographs."
        )
    if "validation" in bases:
        said.append(
            "Validation values are those of the last evaluation within the budget, one a training; d is measured by the spread "
            "over trainings, of pairs by that of their differences."
        )
    if any(row.numbers is not None and row.basis == "test" and not row.numbers.whole for row in measured):
        said.append("An interval from one seed a side, or from one photograph, decides nothing and has no star.")
    if len(measured) > 1:
        said.append(f"The p values of the {len(measured)} comparisons are corrected after Holm; the intervals are not.")
    said.append("The intervals of d come from the noncentral t distribution and exclude zero where those of the difference do.")
    return tuple(said)


def _figure(found: Contrasts, rows: Sequence[Contrast], identity: str, name: str) -> Figure:
    metric = found.metric

    def paint(axes: Axes) -> None:
        places = np.arange(len(rows))[::-1]
        axes.axvline(0, color=svg.INK, linewidth=1, label=SILENT)
        for place, row in zip(places, rows, strict=True):
            assert row.numbers is not None
            look = 0 if row.basis == "test" else 1
            ends, color = [row.numbers.low, row.numbers.high], svg.SERIES[look]
            axes.plot(ends, [place, place], color=color, linestyle=svg.DASHES[look], label=SILENT)
            label = f"_{plain.line(row.side.name, 40)}"
            axes.plot([row.numbers.difference], [place], color=color, marker=svg.MARKERS[look], label=label)
        axes.set_yticks(places, [f"\u200a{plain.line(row.side.name, 26)}" for row in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlabel(f"Δ {metric.axis}, to {plain.line(rows[0].reference.name, 26)}")
        axes.grid(axis="y", visible=False)

    words = "; ".join(f"{row.side.name} {_said(metric, row)}" for row in rows)
    drawing = svg.panel(identity, "Differences with intervals", f"{words}.", paint, height=110 + 26 * len(rows))
    columns = (Column("Side", align="text"), Column("Difference"), Column("Low"), Column("High"))
    data = []
    for row in rows:
        assert row.numbers is not None
        numbers = (row.numbers.difference, row.numbers.low, row.numbers.high)
        data.append((Cell(row.side.name), *(Cell(fixed(value, 4), value) for value in numbers)))
    bases = {row.basis for row in rows}
    which = {
        frozenset({"test"}): "On test photographs.",
        frozenset({"validation"}): "On validation photographs.",
    }.get(frozenset(bases), "Solid lines and discs: test photographs; dashed lines and squares: validation photographs.")
    caption = f"The differences with their 95\N{NO-BREAK SPACE}% intervals, not corrected for their number. {which}"
    return Figure(name, caption, (drawing,), Table(f"{name}-data", "Numbers of the figure.", columns, tuple(data)))


def _said(metric: Metric, row: Contrast) -> str:
    assert row.numbers is not None
    return f"{metric.difference(row.numbers.difference)} {metric.interval(row.numbers.low, row.numbers.high)}"
