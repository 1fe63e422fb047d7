"""The search: how the best value came about, what mattered, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from raysearch.report import plain, svg
from raysearch.report.document import Block, Cell, Column, Figure, Missing, Section, Table
from raysearch.report.formats import fixed, plural
from raysearch.report.names import strategy
from raysearch.report.sections import ablation, costs, fronts, parameters, strategies
from raysearch.report.view import View, kinds, sampler_of
from raysearch.results.record import TrialRecord


def section(view: View) -> Section:
    """Write the section."""
    blocks: list[Block] = []
    if not view.search:
        blocks.append(Missing("No trial of the search is recorded."))
    elif any(trial.value is not None for trial in view.search):
        blocks.append(_history(view))
        blocks += fronts.blocks(view)
        blocks += ablation.blocks(view)
        blocks += parameters.importance_blocks(view)
        blocks += strategies.blocks(view)
        blocks += costs.blocks(view)
    else:
        blocks.append(Missing("No trial of the search has a value, so there is no history to draw."))
    return Section("search", "The search", tuple(blocks))


def _history(view: View) -> Figure:
    trials = view.search
    best = _best_so_far(view, trials)
    groups = kinds([trial for trial in trials if trial.value is not None])

    def paint(axes: Axes) -> None:
        numbers, values = [trial.number for trial, _ in best], [value for _, value in best]
        axes.step(numbers, values, where="post", color=svg.INK, linewidth=1.2, label="best so far")
        for i, kind in enumerate(groups):
            look = i % len(svg.SERIES)
            mine = [t for t in trials if t.value is not None and sampler_of(t) == kind]
            for full, fill in ((True, svg.SERIES[look]), (False, "none")):
                some = [t for t in mine if (t.status == "finished") == full]
                axes.scatter(
                    [t.number for t in some],
                    [t.value for t in some if t.value is not None],
                    s=34,
                    marker=svg.MARKERS[look],
                    facecolors=fill,
                    edgecolors=svg.SERIES[look],
                    linewidths=1.4,
                    label=f"\u200a{plain.line(strategy(kind), 30) or 'not recorded'}" if full else None,
                )
        lost = [t.number for t in trials if t.status in ("failed", "stalled", "diverged", "out_of_memory")]
        if lost:
            floor = axes.get_ylim()[0]
            axes.scatter(lost, [floor] * len(lost), marker="x", s=30, color=svg.MUTED, label="no value")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trial")
        axes.set_ylabel(f"validation {view.metric.axis}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, columnspacing=1.2, handletextpad=0.4)

    stopped = sum(trial.status == "stopped" for trial in trials)
    words = f"{plural(len(trials), 'trial')}, {stopped} stopped early. "
    if best:
        words += f"The best value goes from {view.metric.show(best[0][1])} to {view.metric.show(best[-1][1])} {view.metric.unit}."
    drawing = svg.panel(f"{view.prefix}-history", "Search history", words, paint, height=300)
    so_far = {trial.number: value for trial, value in best}
    rows = []
    running: float | None = None
    for trial in trials:
        running = so_far.get(trial.number, running)
        status = trial.status if trial.status is not None else "not finished"
        rows.append((Cell(str(trial.number), trial.number), Cell(status), Cell(fixed(trial.value, 4)), Cell(fixed(running, 4))))
    columns = (Column("Trial"), Column("Status", align="text"), Column("Value"), Column("Best so far"))
    caption = (
        "Validation value by trial. Hollow: stopped early by the scheduler, so its value belongs to a shorter training, "
        "or infeasible, since its outcome does not meet a constraint; neither counts as the best. Crosses: no value."
    )
    return Figure("history", caption, (drawing,), Table("history-data", "Numbers of the figure.", columns, tuple(rows)))


def _best_so_far(view: View, trials: Sequence[TrialRecord]) -> list[tuple[TrialRecord, float]]:
    sign = 1 if view.metric.larger_is_better else -1
    found: list[tuple[TrialRecord, float]] = []
    for trial in trials:
        if trial.status != "finished" or trial.value is None:
            continue
        if not found or sign * trial.value > sign * found[-1][1]:
            found.append((trial, trial.value))
        else:
            found.append((trial, found[-1][1]))
    return found
