"""Training: how methods converge, what their losses consist of, and what the samplers say of themselves over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from raysearch.report import plain, svg
from raysearch.report.axes import few_ticks
from raysearch.report.document import Block, Cell, Column, Figure, Missing, Section, Table
from raysearch.report.formats import plural, short
from raysearch.report.groups import groups
from raysearch.report.names import strategy
from raysearch.report.sections import convergence, moments, patches, usage
from raysearch.report.series import Curve, curve, curve_table, paint_curve
from raysearch.report.view import View, kinds, sampler_of
from raysearch.results.record import TrialRecord

SAMPLER = {
    "mean_t": "mean t (trainability)",
    "std_t": "spread of t inside a patch",
    "kept_fraction": "kept fraction",
    "spearman": "rank correlation with the loss",
    "threshold_db": "threshold, dB",
}
"""What a sampler's statistics are called; any other goes by its own name."""

_PANELS = 9
_RATIOS = 20.0


@dataclass(frozen=True)
class Family:
    """Statistics that stand side by side.

    Attributes:
        prefix: with which their names begin in reports.
        order: names by what they are called, those that come first.
        ratios: draw them over a logarithmic axis where they span much.
    """

    prefix: str
    order: dict[str, str]
    ratios: bool

    def title(self, name: str) -> str:
        """Return what a statistic is called."""
        bare = name.removeprefix(self.prefix)
        return self.order.get(bare, plain.line(bare.replace("_", " "), 40))

    def rank(self, name: str) -> tuple[int, str]:
        """Return by what statistics are sorted."""
        order, bare = list(self.order), name.removeprefix(self.prefix)
        return (order.index(bare) if bare in order else len(order)), name


SAMPLERS = Family("sampler/", SAMPLER, ratios=False)
LOSSES = Family("loss/", {"loss": "the whole loss"}, ratios=True)
_WHOLE = "loss"
Series = Sequence[tuple[str, tuple[TrialRecord, ...]]]


def section(view: View) -> Section:
    """Write the section."""
    blocks: list[Block] = [
        *convergence.blocks(view),
        *_losses(view),
        _sampler_statistics(view),
        *usage.blocks(view),
        *moments.blocks(view),
        *patches.blocks(view),
    ]
    if not any(trial.reports for trial in view.record.trials):
        blocks.insert(0, Missing("No trial reports validation values over training, so there are no curves."))
    return Section("training", "Training and the patches that were chosen", tuple(blocks))


def by_strategy(view: View) -> tuple[tuple[str, tuple[TrialRecord, ...]], ...]:
    """Name each strategy with the trials that stand for it: those of the confirmation, else the best of the search."""
    found: list[tuple[str, tuple[TrialRecord, ...]]] = []
    sign = 1 if view.metric.larger_is_better else -1
    confirmed = [group for group in groups(view) if any(trial.phase == "confirm" for trial in group.trials)]
    for kind in kinds(view.record.trials):
        if some := [(group.name, group.trials) for group in confirmed if group.kind == kind]:
            found += some
            continue
        searched = [t for t in view.search if sampler_of(t) == kind and t.reports and t.value is not None]
        searched.sort(key=lambda t: (t.status != "finished", -sign * (t.value if t.value is not None else 0.0), t.number))
        if searched:
            found.append((kind, tuple(searched[:1])))
    return tuple(found)


def _losses(view: View) -> list[Block]:
    """Draw the terms of the losses over training; the whole loss too, where one has several terms."""
    methods = tuple((method.title, method.trials) for method in view.methods if method.trials)
    chosen = methods or tuple((strategy(kind) or "not recorded", trials) for kind, trials in by_strategy(view))
    names = _names(chosen, LOSSES.prefix)
    terms = [len(_names([one], LOSSES.prefix)) for one in chosen]
    if max(terms, default=0) > 1:
        names = [_WHOLE, *names]
    panels, rows, _ = _panels(view, LOSSES, "loss", names, chosen)
    if not panels:
        return []
    which = ", ".join(f"{title}: {plural(len(trials), 'trial')}" for title, trials in chosen)
    caption = (
        f"Training loss by term, means between evaluations over training patches ({which}); bands go from the least to the most. "
        "A strategy that prefers hard places has a higher loss for that reason alone."
    )
    return [Figure("losses", caption, panels, _table("losses-data", rows), small=True)]


def _sampler_statistics(view: View) -> Block:
    found = by_strategy(view)
    chosen = [(strategy(kind) or "not recorded", trials) for kind, trials in found]
    names = sorted(_names(chosen, SAMPLERS.prefix), key=SAMPLERS.rank)
    panels, rows, drawn = _panels(view, SAMPLERS, "sampler", names, chosen)
    if not panels:
        return Missing("No sampler reports statistics (uniform sampling has none), so there is nothing to draw over training.")
    which = ", ".join(f"{title}: {plural(len(trials), 'trial')}" for i, (title, trials) in enumerate(chosen) if i in drawn)
    caption = (
        f"What the samplers report over training ({which}; confirmation where there is one, else the best of the search). "
        "The rank correlation is Spearman's, of the weight of a cell with its loss: above zero, hard places are preferred."
    )
    return Figure("sampler", caption, panels, _table("sampler-data", rows), small=True)


def _names(chosen: Series, prefix: str) -> list[str]:
    """List the metrics that begin so, by name."""
    return sorted(
        {key for _, trials in chosen for t in trials for point in t.reports for key in point.metrics if key.startswith(prefix)}
    )


def _panels(
    view: View, family: Family, identity: str, names: Sequence[str], chosen: Series
) -> tuple[tuple[svg.Drawing, ...], list[tuple[Cell, ...]], set[int]]:
    """Draw a panel for each of some metrics; returns the numbers too, and the positions of the series that are drawn."""
    panels: list[svg.Drawing] = []
    rows: list[tuple[Cell, ...]] = []
    drawn: set[int] = set()
    for name in names[:_PANELS]:
        curves = [curve(title, trials, name) for title, trials in chosen]
        # A series keeps its colour in every panel.
        placed = [(i, one) for i, one in enumerate(curves) if one is not None]
        drawn |= {i for i, _ in placed}
        if placed:
            panels.append(_panel(view, family, f"{identity}-{len(panels)}", name, placed))
            rows += list(curve_table("", [one for _, one in placed], family.title(name)).rows)
    return tuple(panels), rows, drawn


def _panel(view: View, family: Family, identity: str, name: str, placed: Sequence[tuple[int, Curve]]) -> svg.Drawing:
    values = [value for _, one in placed for value in (*one.low, *one.high)]
    logarithmic = family.ratios and min(values) > 0 and max(values) > _RATIOS * min(values)
    columns = 2 if max(len(one.label) for _, one in placed) < 24 else 1

    def paint(axes: Axes) -> None:
        for i, one in placed:
            paint_curve(axes, one, i, markers=6, label=30 if columns == 2 else 44)
        if logarithmic:
            axes.set_yscale("log")
        axes.set_xlabel("optimisation steps")
        axes.set_title(family.title(name), loc="left")
        few_ticks(axes)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=columns)

    title = family.title(name)
    words = "; ".join(f"{one.label} goes from {short(one.mean[0])} to {short(one.mean[-1])}" for _, one in placed)
    height = 200 + 15 * -(-len(placed) // columns)
    return svg.panel(f"{view.prefix}-{identity}", title, f"{words}.", paint, width=300, height=height)


def _table(name: str, rows: Sequence[tuple[Cell, ...]]) -> Table:
    titles = ("Series", "Step", "Mean", "Least", "Most", "Trials")
    columns = tuple(Column(title, align="number" if i else "text") for i, title in enumerate(titles))
    return Table(name, "Numbers of the figure.", columns, tuple(rows))
