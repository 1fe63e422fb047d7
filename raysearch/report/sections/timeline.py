"""When trials ran: a bar each, by how it ended, with those that were started again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from raysearch.report import svg
from raysearch.report.axes import thinned
from raysearch.report.document import Block, Cell, Column, Figure, Table
from raysearch.report.formats import fixed, plural
from raysearch.report.view import View
from raysearch.results.record import TrialRecord

_BARS = 300
_LOOKS = (
    ("finished", ("finished",), 0),
    ("stopped early", ("stopped",), 1),
    ("infeasible", ("infeasible",), 4),
    ("gave no value", ("diverged", "out_of_memory", "stalled", "failed"), 3),
    ("still running", (None,), 2),
)
"""What a bar says, for which status, in which colour and with which marker at its end."""


@dataclass(frozen=True)
class Bar:
    """A trial in time.

    Attributes:
        start: seconds since the first trial began; likewise ``end``.
    """

    trial: TrialRecord
    start: float
    end: float


def bars(view: View) -> tuple[Bar, ...]:
    """Return the trials whose times are known, in the order of their numbers; imported ones ran elsewhere."""
    found = []
    for trial in view.record.trials:
        end = trial.ended if trial.status is not None else max([view.record.updated, *(point.time for point in trial.reports)])
        if not trial.origin and trial.started > 0 and end is not None and end >= trial.started:
            found.append((trial, trial.started, end))
    zero = min((start for _, start, _ in found), default=0.0)
    return tuple(Bar(trial, start - zero, end - zero) for trial, start, end in found)


def blocks(view: View) -> list[Block]:
    """Draw the bars; nothing for fewer than two."""
    every = bars(view)
    return [_figure(view, every)] if len(every) > 1 and max(bar.end for bar in every) > 0 else []


def _drawn(every: Sequence[Bar]) -> list[Bar]:
    """Choose bars: what was lost or started again first, then evenly."""
    if len(every) <= _BARS:
        return list(every)
    odd = [bar for bar in every if bar.trial.retries or bar.trial.status not in ("finished", "stopped")]
    kept = thinned(odd, _BARS // 2)
    known = {bar.trial.number for bar in odd}
    rest = thinned([bar for bar in every if bar.trial.number not in known], _BARS - len(kept))
    return sorted([*kept, *rest], key=lambda bar: bar.trial.number)


def _unit(longest: float) -> tuple[str, float]:
    return ("seconds", 1.0) if longest < 300 else ("minutes", 60.0) if longest < 3 * 3600 else ("hours", 3600.0)


def _figure(view: View, every: Sequence[Bar]) -> Figure:
    drawn = _drawn(every)
    unit, scale = _unit(max(bar.end for bar in every))
    after = min((bar.trial.number for bar in every if bar.trial.phase != "search"), default=None)

    def paint(axes: Axes) -> None:
        for label, statuses, look in _LOOKS:
            some = [bar for bar in drawn if bar.trial.status in statuses]
            if not some:
                continue
            numbers, ends = [bar.trial.number for bar in some], [bar.end / scale for bar in some]
            axes.hlines(numbers, [bar.start / scale for bar in some], ends, color=svg.SERIES[look], linewidth=_width(len(drawn)))
            axes.scatter(ends, numbers, s=12, marker=svg.MARKERS[look], color=svg.SERIES[look], label=label)
        again = [bar for bar in drawn if bar.trial.retries]
        if again:
            places = [bar.start / scale for bar in again]
            axes.scatter(places, [bar.trial.number for bar in again], s=40, marker="*", color=svg.INK, label="started again")
        if after is not None and after > 0:
            axes.axhline(after - 0.5, color=svg.MUTED, linewidth=1, linestyle=(0, (2, 3)))
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"{unit} since the first trial began")
        axes.set_ylabel("trial")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, columnspacing=1.2, handletextpad=0.4)

    words = f"{plural(len(every), 'trial')} within {fixed(max(bar.end for bar in every) / scale, 1)} {unit}."
    drawing = svg.panel(f"{view.prefix}-timeline", "Timeline of trials", words, paint, height=300)
    caption = _caption(every)
    if len(every) > len(drawn):
        caption += f" {len(drawn)} of {len(every)} trials: those that were lost or started again, and others evenly."
    return Figure("timeline", caption, (drawing,), _table(drawn))


def _caption(every: Sequence[Bar]) -> str:
    again = sum(bool(bar.trial.retries) for bar in every)
    said = "When trials ran, and how they ended; waiting included."
    if any(bar.trial.phase != "search" for bar in every):
        said += " Below the dotted line: the confirmation and what else followed the search."
    return f"{said} Stars: {plural(again, 'trial')} started again." if again else said


def _width(count: int) -> float:
    return max(0.8, min(5.0, 180 / count))


def _table(drawn: Sequence[Bar]) -> Table:
    titles = ("Trial", "Status", "Start, s", "End, s", "Started again")
    columns = tuple(Column(title, align="text" if title == "Status" else "number") for title in titles)
    rows = [
        (
            Cell(str(bar.trial.number)),
            Cell(bar.trial.status.replace("_", " ") if bar.trial.status is not None else "not finished"),
            Cell(fixed(bar.start, 1)),
            Cell(fixed(bar.end, 1)),
            Cell(str(bar.trial.retries)),
        )
        for bar in drawn
    ]
    return Table("timeline-data", "Numbers of the figure.", columns, tuple(rows))
