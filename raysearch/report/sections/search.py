"""The search: how the best value came about, what mattered, and every trial."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from raysearch.report import plain, svg
from raysearch.report.document import Block, Cell, Column, Figure, Mark, Missing, Section, Table
from raysearch.report.formats import NONE, fixed, plural, seconds
from raysearch.report.names import leaf, strategy
from raysearch.report.sections import ablation, early, fronts, parameters
from raysearch.report.view import View, sampler_of
from raysearch.results.record import TrialRecord

_LISTED = 1000


def section(view: View) -> Section:
    """Write the section."""
    blocks: list[Block] = []
    if not view.search:
        blocks.append(Missing("No trial of the search is recorded."))
    elif any(trial.value is not None for trial in view.search):
        blocks.append(_history(view))
        blocks += fronts.blocks(view)
        blocks += early.blocks(view)
        blocks += ablation.blocks(view)
        blocks += parameters.blocks(view)
    else:
        blocks.append(Missing("No trial of the search has a value, so there is no history to draw."))
    if view.record.trials:
        blocks.append(_trials(view))
    return Section("search", "The search", tuple(blocks))


def kinds(trials: Sequence[TrialRecord]) -> tuple[str, ...]:
    """List the sampling strategies of some trials: the known ones first, in their usual order."""
    found = {sampler_of(trial) for trial in trials}
    usual = [kind for kind in ("uniform", "gradient", "hard_negative", "patchnet") if kind in found]
    return (*usual, *sorted(found - set(usual)))


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


def _trials(view: View) -> Table:
    listed = view.record.trials[:_LISTED]
    names = list(dict.fromkeys(name for trial in listed for name in trial.values))
    best = view.best_search_trial()
    columns = [
        Column("Trial"),
        Column("Role", align="text"),
        Column("Status", align="text"),
        Column(f"Validation {view.metric.axis}"),
    ]
    columns += [Column("Steps"), Column("Time"), Column("Retries")]
    columns += [Column(plain.line(name, 60), align="text") for name in names] + [Column("Seed")]
    rows = []
    for trial in listed:
        mark: Mark = "best" if best is not None and trial.number == best.number else ""
        status = trial.status.replace("_", " ") if trial.status is not None else "not finished"
        value = _validation(view, trial)
        row = [Cell(str(trial.number), trial.number, mark), Cell(plain.line(trial.role, 40)), Cell(status)]
        row += [Cell(view.metric.show(value), value, mark), Cell(f"{trial.step} / {trial.steps}", trial.step)]
        row += [Cell(seconds(trial.seconds), trial.seconds), Cell(str(trial.retries), trial.retries)]
        row += [_setting(trial, name) for name in names]
        rows.append((*row, Cell(str(trial.seed), trial.seed)))
    notes = ["The best of the search is bold. Test values of the confirmation stand in the comparison above."]
    if len(view.record.trials) > _LISTED:
        notes.append(f"The first {_LISTED} of {len(view.record.trials)} trials are listed; `raysearch show` lists all.")
    return Table("trials", "All trials.", tuple(columns), tuple(rows), tuple(notes), sortable=True)


def _setting(trial: TrialRecord, name: str) -> Cell:
    if name not in trial.values:
        return Cell(NONE)
    return Cell(leaf(trial.values[name]), plain.number(trial.values[name]))


def _validation(view: View, trial: TrialRecord) -> float | None:
    """Return a trial's value on validation; what the confirmation ends with is on test sets, so its last report counts."""
    if trial.phase == "search":
        return trial.value
    return plain.number(trial.reports[-1].metrics.get(view.metric.name)) if trial.reports else None
