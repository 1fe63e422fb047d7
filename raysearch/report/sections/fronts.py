"""Several objectives: the Pareto front with its knee, and how the dominated volume grew; what looks wrong with the search."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from raysearch.report import plain, svg
from raysearch.report.document import Block, Cell, Column, Figure, Prose, Table
from raysearch.report.formats import Metric, fixed, metric_named, plural
from raysearch.report.names import leaf
from raysearch.report.view import View
from raysearch.results.goals import Goal, Goals, Scores, scores_of
from raysearch.results.notices import notices
from raysearch.results.pareto import Front, front_of

_FACTS = {
    "parameters": Metric("parameters", "Parameters", "", 0, larger_is_better=False),
    "macs_g": Metric("macs_g", "Multiply-adds", "G", 3, larger_is_better=False),
    "train_seconds": Metric("train_seconds", "Training time", "s", 1, larger_is_better=False),
    "gpu_hours": Metric("gpu_hours", "GPU time", "h", 2, larger_is_better=False),
}
_PANELS = 3
_ROWS = 200


def blocks(view: View) -> list[Block]:
    """Draw the front of a search with several objectives; say what looks wrong with any search."""
    found: list[Block] = []
    wrong = [f"Warning: {plain.line(notice, 400)}." for notice in notices(view.record.trials)]
    if wrong:
        found.append(Prose(tuple(wrong)))
    front = front_of(view.record.trials, Goals.of(view.record.spec))
    if front is not None:
        found += [_figure(view, front), _table(view, front)]
    return found


def named(goal: Goal) -> Metric:
    """Return how an objective is called and printed."""
    return _FACTS.get(goal.metric) or metric_named(goal.metric)


def _figure(view: View, front: Front) -> Figure:
    goals = front.goals
    every = [(trial, scores) for trial in view.search if trial.status == "finished" and (scores := scores_of(trial, goals))]
    others = range(1, min(len(goals.goals), _PANELS + 1))
    panels = [_panel(view, front, [scores for _, scores in every], other) for other in others]
    panels.append(_volumes(view, front))
    on_front = {trial.number for trial in front.trials}
    rows = tuple(
        (Cell(str(trial.number), trial.number), *_score_cells(goals, scores), Cell("yes" if trial.number in on_front else "no"))
        for trial, scores in every
    )
    columns = (Column("Trial"), *(Column(named(goal).axis) for goal in goals.goals), Column("On the front", align="text"))
    caption = (
        "The objectives of every trial that finished; filled: on the Pareto front, where no other trial is better in one objective "
        "and nowhere worse. Diamond: the knee, the point of the front farthest beyond the line between its ends. Last: the "
        "share of the box between the worst and the best values that is dominated, trial by trial in the order of their ends."
    )
    return Figure("front", caption, tuple(panels), Table("front-data", "Numbers of the figure.", columns, rows), small=True)


def _panel(view: View, front: Front, every: list[Scores], other: int) -> svg.Drawing:
    first, second = front.goals.goals[0], front.goals.goals[other]
    chosen = sorted(front.scores, key=lambda scores: scores[other])
    knee = front.scores[front.knee]

    def paint(axes: Axes) -> None:
        points = [second.signed(s[other]) for s in every], [first.signed(s[0]) for s in every]
        axes.scatter(*points, s=26, facecolors="none", edgecolors=svg.MUTED, linewidths=1.1, label="finished")
        xs, ys = [second.signed(s[other]) for s in chosen], [first.signed(s[0]) for s in chosen]
        axes.scatter(xs, ys, s=34, color=svg.SERIES[0], label="front")
        if len(front.goals.goals) == 2:
            axes.step(xs, ys, where="pre" if second.mode == "min" else "post", color=svg.SERIES[0], linewidth=1)
        place = [second.signed(knee[other])], [first.signed(knee[0])]
        axes.scatter(*place, s=110, marker="D", facecolors="none", edgecolors=svg.INK, label="knee")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.set_xlabel(named(second).axis)
        axes.set_ylabel(f"validation {named(first).axis}")
        axes.legend(loc="best")

    words = f"{plural(len(every), 'trial')}, {len(front.trials)} on the front; the knee is trial {front.trials[front.knee].number}."
    title = f"{named(first).title} against {named(second).title}"
    return svg.panel(f"{view.prefix}-front-{other}", title, words, paint, width=320, height=230)


def _volumes(view: View, front: Front) -> svg.Drawing:
    volumes = [volume for _, volume in front.volumes]

    def paint(axes: Axes) -> None:
        axes.step(range(1, len(volumes) + 1), volumes, where="post", color=svg.SERIES[1])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("finished trials")
        axes.set_ylabel("dominated share")
        axes.set_ylim(0, 1.02)

    words = f"The dominated share goes from {fixed(volumes[0], 3)} to {fixed(volumes[-1], 3)}."
    return svg.panel(f"{view.prefix}-volume", "Dominated hypervolume", words, paint, width=320, height=230)


def _table(view: View, front: Front) -> Table:
    names = list(dict.fromkeys(name for trial in front.trials for name in trial.values))
    columns = [Column("Trial"), *(Column(named(goal).axis) for goal in front.goals.goals)]
    columns += [Column(plain.line(name, 60), align="text") for name in names]
    rows = []
    for i, (trial, scores) in enumerate(zip(front.trials, front.scores, strict=True)):
        label = Cell(str(trial.number), trial.number, "best" if i == front.knee else "", "knee" if i == front.knee else "")
        settings = [Cell(leaf(trial.values[name])) if name in trial.values else Cell("\N{EN DASH}") for name in names]
        rows.append((label, *_score_cells(front.goals, scores), *settings))
    notes = [f"The winner that is confirmed is the best by the first objective, {named(front.goals.headline).title}."]
    if front.goals.bounds:
        notes.append(f"Constraints: {', '.join(plain.line(bound.text, 80) for bound in front.goals.bounds)}.")
    return Table("front-trials", "The trials on the front.", tuple(columns), tuple(rows[:_ROWS]), tuple(notes), sortable=True)


def _score_cells(goals: Goals, scores: Scores) -> list[Cell]:
    values = [goal.signed(score) for goal, score in zip(goals.goals, scores, strict=True)]
    return [Cell(named(goal).show(value), value) for goal, value in zip(goals.goals, values, strict=True)]
