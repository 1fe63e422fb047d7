"""Training: validation curves with bands over seeds, and what the samplers say of themselves over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.document import Block, Cell, Column, Figure, Missing, Section, Table
from raysearch.report.formats import fixed, plural, short
from raysearch.report.names import strategy
from raysearch.report.sections import moments, patches, usage
from raysearch.report.sections.search import kinds
from raysearch.report.series import Curve, curve
from raysearch.report.view import View, sampler_of
from raysearch.results.record import TrialRecord

STATISTICS = {
    "mean_t": "mean t (trainability)",
    "std_t": "spread of t inside a patch",
    "kept_fraction": "kept fraction",
    "spearman": "rank correlation with the loss",
    "threshold_db": "threshold, dB",
}
"""What a sampler's statistics are called; any other goes by its own name."""

_PREFIX = "sampler/"
_PANELS = 8
_SEARCH_CURVES = 40


def section(view: View) -> Section:
    """Write the section."""
    blocks: list[Block] = [
        *_validation(view),
        _sampler_statistics(view),
        *usage.blocks(view),
        *moments.blocks(view),
        *patches.blocks(view),
    ]
    return Section("training", "Training and the patches that were chosen", tuple(blocks))


def paint_curves(axes: Axes, curves: Sequence[Curve]) -> None:
    """Draw curves with their bands; colour, dash and marker differ together."""
    for i, one in enumerate(curves):
        _paint_curve(axes, one, i, markers=8, label=44)


def _paint_curve(axes: Axes, one: Curve, position: int, *, markers: int, label: int) -> None:
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


def _validation(view: View) -> list[Block]:
    name = view.metric.name
    blocks: list[Block] = []
    confirmed = [curve(method.title, method.trials, name) for method in view.methods]
    known = [one for one in confirmed if one is not None]
    if known:
        blocks.append(_confirmed(view, known))
    elif view.confirmation:
        blocks.append(Missing("The confirmation trials report no validation values, so there are no curves over seeds."))
    searched = [(trial, curve(str(trial.number), [trial], name)) for trial in view.search]
    drawn = [(trial, one) for trial, one in searched if one is not None and len(one.steps) > 1]
    if drawn:
        blocks.append(_searched(view, drawn))
    if not blocks:
        blocks.append(Missing("No trial reports validation values over training, so there are no curves."))
    return blocks


def _confirmed(view: View, curves: Sequence[Curve]) -> Figure:
    columns = 1 if len(curves) < 3 or max(len(one.label) for one in curves) > 24 else 2

    def paint(axes: Axes) -> None:
        paint_curves(axes, curves)
        axes.set_xlabel("optimisation steps")
        axes.set_ylabel(f"validation {view.metric.axis}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=columns)

    ends = "; ".join(f"{one.label} ends at {view.metric.show(one.mean[-1])} {view.metric.unit}".rstrip() for one in curves)
    height = 262 + 14 * -(-len(curves) // columns)
    drawing = svg.panel(f"{view.prefix}-curves", "Validation curves of the confirmation", f"{ends}.", paint, height=height)
    seeds = ", ".join(sorted({plural(one.trials, "seed") for one in curves}))
    caption = (
        f"Validation {view.metric.title} of the confirmed methods over training: mean over {seeds}; the band goes from the least "
        "to the most."
    )
    return Figure("curves", caption, (drawing,), _curve_table("curves-data", curves))


def _curve_table(name: str, curves: Sequence[Curve], statistic: str = "") -> Table:
    columns = (Column("Series", align="text"), Column("Step"), Column("Mean"), Column("Least"), Column("Most"), Column("Trials"))
    rows = []
    for one in curves:
        for values in zip(one.steps, one.mean, one.low, one.high, strict=True):
            label = f"{statistic}, {one.label}" if statistic else one.label
            numbers = (Cell(fixed(value, 4), value) for value in values[1:])
            rows.append((Cell(label), Cell(str(values[0]), values[0]), *numbers, Cell(str(one.trials))))
    return Table(name, "Numbers of the figure.", columns, tuple(rows))


def _searched(view: View, drawn: Sequence[tuple[TrialRecord, Curve]]) -> Figure:
    sign = 1 if view.metric.larger_is_better else -1
    ranked = sorted(drawn, key=lambda pair: (-sign * pair[1].mean[-1], pair[0].number))[:_SEARCH_CURVES]
    groups = kinds([trial for trial, _ in ranked])

    def paint(axes: Axes) -> None:
        for i, kind in enumerate(groups):
            look = i % len(svg.SERIES)
            label: str | None = f"\u200a{plain.line(strategy(kind), 30) or 'not recorded'}"
            for trial, one in ranked:
                if sampler_of(trial) != kind:
                    continue
                color = svg.SERIES[look]
                axes.plot(one.steps, one.mean, color=color, linestyle=svg.DASHES[look], linewidth=1.1, alpha=0.85, label=label)
                fill: Literal["none", "full"] = "none" if trial.status != "finished" else "full"
                axes.plot(one.steps[-1:], one.mean[-1:], color=color, marker=svg.MARKERS[look], fillstyle=fill)
                label = None
        axes.set_xlabel("optimisation steps")
        axes.set_ylabel(f"validation {view.metric.axis}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)

    best, ending = ranked[0]
    words = f"{len(ranked)} curves; the best ends at {view.metric.show(ending.mean[-1])} {view.metric.unit} (trial {best.number})."
    drawing = svg.panel(f"{view.prefix}-search-curves", "Validation curves of the search", words, paint, height=290)
    caption = "Validation curves of the search trials by sampling strategy. Hollow ends: the trial did not run its full length."
    if len(drawn) > len(ranked):
        caption += f" The best {len(ranked)} of {len(drawn)}."
    columns = (Column("Trial"), Column("Step"), Column("Value"))
    rows = [
        (Cell(one.label), Cell(str(step)), Cell(fixed(value, 4)))
        for _, one in ranked
        for step, value in list(zip(one.steps, one.mean, strict=True))[-20:]
    ]
    title = "Numbers of the figure; the last 20 of a long curve."
    return Figure("search-curves", caption, (drawing,), Table("search-curves-data", title, columns, tuple(rows)))


def by_strategy(view: View) -> tuple[tuple[str, tuple[TrialRecord, ...]], ...]:
    """Choose the trials that stand for each strategy: those of the confirmation, else the best of the search."""
    found = []
    sign = 1 if view.metric.larger_is_better else -1
    for kind in kinds(view.record.trials):
        confirmed = tuple(t for t in view.confirmation if sampler_of(t) == kind and t.reports)
        searched = [t for t in view.search if sampler_of(t) == kind and t.reports and t.value is not None]
        searched.sort(key=lambda t: (t.status != "finished", -sign * (t.value if t.value is not None else 0.0), t.number))
        chosen = confirmed or tuple(searched[:1])
        if chosen:
            found.append((kind, chosen))
    return tuple(found)


def _sampler_statistics(view: View) -> Block:
    chosen = by_strategy(view)
    names = sorted(
        {key for _, trials in chosen for t in trials for point in t.reports for key in point.metrics if key.startswith(_PREFIX)}
    )
    ordered = sorted(names, key=lambda name: (_rank(name), name))
    panels: list[svg.Drawing] = []
    rows: list[tuple[Cell, ...]] = []
    drawn: set[int] = set()
    for name in ordered[:_PANELS]:
        curves = [curve(strategy(kind) or "not recorded", trials, name) for kind, trials in chosen]
        # A strategy keeps its colour in every panel.
        placed = [(i, one) for i, one in enumerate(curves) if one is not None]
        drawn |= {i for i, _ in placed}
        if placed:
            panels.append(_statistic(view, name, len(panels), placed))
            rows += list(_curve_table("", [one for _, one in placed], _title(name)).rows)
    if not panels:
        return Missing("No sampler reports statistics (uniform sampling has none), so there is nothing to draw over training.")
    columns = (Column("Series", align="text"), Column("Step"), Column("Mean"), Column("Least"), Column("Most"), Column("Trials"))
    which = ", ".join(
        f"{strategy(kind) or 'not recorded'}: {plural(len(trials), 'trial')}"
        for i, (kind, trials) in enumerate(chosen)
        if i in drawn
    )
    caption = (
        f"What the samplers report over training ({which}; confirmation where there is one, else the best of the search). "
        "The rank correlation is Spearman's, of the weight of a cell with its loss: above zero, hard places are preferred."
    )
    return Figure(
        "sampler", caption, tuple(panels), Table("sampler-data", "Numbers of the figure.", columns, tuple(rows)), small=True
    )


def _rank(name: str) -> int:
    order = list(STATISTICS)
    bare = name.removeprefix(_PREFIX)
    return order.index(bare) if bare in order else len(order)


def _title(name: str) -> str:
    bare = name.removeprefix(_PREFIX)
    return STATISTICS.get(bare, plain.line(bare.replace("_", " "), 40))


def _statistic(view: View, name: str, position: int, placed: Sequence[tuple[int, Curve]]) -> svg.Drawing:
    def paint(axes: Axes) -> None:
        for i, one in placed:
            _paint_curve(axes, one, i, markers=6, label=30)
        axes.set_xlabel("optimisation steps")
        axes.set_title(_title(name), loc="left")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=2)

    words = "; ".join(f"{one.label} goes from {short(one.mean[0])} to {short(one.mean[-1])}" for _, one in placed)
    return svg.panel(f"{view.prefix}-sampler-{position}", _title(name), f"{words}.", paint, width=300, height=215)
