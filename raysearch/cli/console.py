"""One view of a running study for `run`, `resume` and `watch`: a live table on a terminal, one line an event elsewhere.

The view is fed with the journal's events, so what is seen while a study runs and what is read afterwards can't differ.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from raysearch.cli.early import early_line, early_warning, rungs_of
from raysearch.results.events import (
    BudgetChanged,
    ContendersChosen,
    DriverStarted,
    DriverStopped,
    Event,
    MachineAvoided,
    PhaseEnded,
    RaceLooked,
    RunImported,
    TrialEnded,
    TrialReported,
    TrialRetried,
    TrialStarted,
    limits_of,
)
from raysearch.results.folder import RunFolder
from raysearch.results.notices import Watch
from raysearch.results.record import RunRecord
from raysearch.results.run import open_run
from raysearch.results.rungs import Agreement, agreement, is_control
from raysearch.results.summary import summary

COLOURS = {"finished": "green", "stopped": "cyan", "running": "yellow", "infeasible": "cyan"} | dict.fromkeys(
    ("diverged", "out_of_memory", "stalled", "failed"), "red"
)
SHOWN_TRIALS = 12


def duration(seconds: float) -> str:
    """Print seconds as ``12 s``, ``3 min 05 s`` or ``2 h 07 min``."""
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def value_text(value: object) -> str:
    """Print a searched value: four significant digits for a float."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def values_text(values: dict[str, bool | int | float | str | None]) -> str:
    """Print searched values as ``sampler=gradient keep=0.5``, with the last part of each name."""
    return " ".join(f"{name.rsplit('.', 1)[-1]}={value_text(value)}" for name, value in values.items())


@dataclass
class _Row:
    started: TrialStarted
    step: int = 0
    value: float | None = None
    state: str = "running"
    reason: str = ""
    seconds: float = 0.0
    points: dict[int, float] = field(default_factory=dict)


@dataclass
class StudyView:
    """What has happened so far, from events.

    Attributes:
        metric: the objective's name.
        maximise: whether larger is better.
        expected: trials that the study will have, for the progress bar and the estimate of the time left; None when only time
            limits it.
        rungs: steps at which the scheduler compares trials.
    """

    metric: str
    maximise: bool
    expected: int | None
    rungs: tuple[int, ...] = ()
    rows: dict[int, _Row] = field(default_factory=dict)
    phase: str = "search"
    finished_work: float = 0.0
    clock: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, record: RunRecord) -> StudyView:
        """Make the view of a run's study, with nothing fed yet."""
        run = summary(record)
        return cls(run.metric, run.mode == "max", run.planned, rungs_of(record.spec))

    def feed(self, event: Event) -> str:
        """Take an event; return the line that a log shows for it, or nothing."""
        match event:
            case DriverStarted():
                return f"driver started, attempt {event.attempt}" if event.attempt > 1 else ""
            case TrialStarted():
                self.rows[event.trial] = _Row(event)
                self.phase = event.phase
                return f"trial {event.trial:04d} {event.phase} {event.role}: {values_text(event.values)}"
            case TrialReported():
                row = self.rows[event.trial]
                row.step, row.value = event.step, event.metrics.get(self.metric)
                row.seconds = event.metrics.get("train_seconds", row.seconds)
                if row.value is not None:
                    row.points[event.step] = row.value
                return f"trial {event.trial:04d} step {event.step}/{row.started.steps} {self.metric} {metric_text(row.value)}"
            case TrialRetried():
                self.rows[event.trial].state = "running"
                return f"trial {event.trial:04d} goes on from its checkpoint (attempt {event.attempt}): {event.reason}"
            case TrialEnded():
                row = self.rows[event.trial]
                row.step, row.value, row.seconds = event.step, event.value, event.seconds
                row.state, row.reason = event.status, event.reason
                because = f": {event.reason}" if event.reason else ""
                reached = f"{self.metric} {metric_text(event.value)}"
                return f"trial {event.trial:04d} {event.status} at step {event.step} {reached}{because}"
            case PhaseEnded():
                return f"{event.phase} ended: {event.reason}"
            case BudgetChanged() | RunImported() | ContendersChosen() | RaceLooked():
                return self._other(event)
            case MachineAvoided():
                return f"machine {event.address or event.machine} is avoided from here on: {event.reason}"
            case DriverStopped():
                return f"driver stopped: {event.reason}"

    def _other(self, event: BudgetChanged | RunImported | ContendersChosen | RaceLooked) -> str:
        """Return the line of an event that changes no row."""
        match event:
            case BudgetChanged():
                limits = [f"{name} {value:g}" for name, value in limits_of(event).items() if value is not None]
                return f"budget: {', '.join(limits)}"
            case RunImported():
                return f"{event.trials} trials imported from run {event.run}"
            case ContendersChosen():
                return "confirmation of: " + ", ".join(f"{role} {trial:04d}" for role, trial in event.contenders.items())
            case RaceLooked():
                found = "decided" if event.decided else "open"
                interval = f"[{event.low:+.3f}, {event.high:+.3f}]"
                return f"{event.role} against the baseline, {event.seeds} seeds: {event.difference:+.3f} {interval}, {found}"

    def early(self) -> list[Agreement]:
        """Say of each rung how well it predicts the end, over the trials that ran their full length whatever happened."""
        full = [row for number, row in self.rows.items() if row.state == "finished" and is_control(number)]
        curves = [row.points for row in full if row.started.phase == "search" and row.points]
        return [agreement(curves, rung) for rung in self.rungs]

    @property
    def best(self) -> _Row | None:
        """The best finished search trial."""
        done = [r for r in self.rows.values() if r.state == "finished" and r.value is not None and r.started.phase == "search"]
        pick = max if self.maximise else min
        return pick(done, key=lambda r: r.value or 0.0) if done else None

    def progress(self) -> float:
        """Fraction of the expected work of both phases that is done, in [0, 1]."""
        done = 0.0
        for row in self.rows.values():
            done += 1.0 if row.state != "running" else row.step / max(1, row.started.steps)
        return min(1.0, done / self.expected) if self.expected else 0.0

    def remaining_seconds(self) -> float | None:
        """Estimate the time left from the time that this driver has spent; None before there is anything to go by."""
        done = self.progress() - self.finished_work
        spent = time.monotonic() - self.clock
        return spent * (1 - self.progress()) / done if done > 0.02 else None

    def resume_here(self) -> None:
        """Count time and work from now on (called after a resumed run's old events were fed)."""
        self.clock = time.monotonic()
        self.finished_work = self.progress()

    def render(self, title: str) -> Group:
        """Draw the table."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("trial", "state", "step", self.metric, "what"):
            table.add_column(name, justify="left" if name in ("state", "what") else "right", no_wrap=name != "what")
        best = self.best
        for number, row in sorted(self.rows.items())[-SHOWN_TRIALS:]:
            what = row.reason or values_text(row.started.values)
            if row.started.phase == "confirm":
                what = f"confirm {row.started.role}, seed {row.started.seed}"
            star = " *" if row is best else ""
            state = Text(row.state, style=COLOURS.get(row.state, ""))
            table.add_row(f"{number:04d}", state, f"{row.step}/{row.started.steps}", metric_text(row.value) + star, what)
        left = self.remaining_seconds()
        spent = duration(time.monotonic() - self.clock)
        status = f"{self.phase}  {self.progress():.0%}  {spent} spent"
        if left is not None:
            status += f", about {duration(left)} left"
        if best is not None:
            status += f"  best {metric_text(best.value)} (trial {best.started.trial:04d})"
        early = self.early() if self.phase == "search" else []
        notes = [Text(line) for line in (early_warning(early) or early_line(early),) if line]
        bar = ProgressBar(total=1.0, completed=self.progress(), width=60)
        return Group(Text(title, style="bold"), bar, Text(status), *notes, table)


def metric_text(value: float | None) -> str:
    """Print a metric: three decimals from 1 on (a PSNR), four significant digits below."""
    return "-" if value is None else f"{value:.3f}" if abs(value) >= 1 else f"{value:.4g}"


class Screen:
    """Shows a `StudyView`: a live table when the output is a terminal and ``plain`` is off, else lines."""

    def __init__(self, view: StudyView, folder: RunFolder, *, plain: bool) -> None:
        self.view = view
        self.folder = folder
        self.console = Console()
        self.warned = ""
        self.watch = Watch()
        self.live: Live | None = None
        if self.console.is_terminal and not plain:
            self.live = Live(console=self.console, refresh_per_second=2, get_renderable=lambda: view.render(folder.name))

    def __enter__(self) -> Self:
        if self.live is not None:
            self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.live is not None:
            self.live.stop()

    def on_event(self, event: Event) -> None:
        """Show an event."""
        line = self.view.feed(event)
        if isinstance(event, PhaseEnded):  # only now is it known how many trials there are to confirm
            self.view.expected = summary(open_run(self.folder.path)).planned
        if line and self.live is None:
            self.say(line)
        for notice in self.watch.feed(event):
            self.say(f"warning: {notice}")
        if isinstance(event, TrialEnded) and is_control(event.trial):
            warning = early_warning(self.view.early())
            if warning and warning != self.warned:
                self.say(warning)
            self.warned = warning

    def say(self, line: str) -> None:
        """Print a line above the table, or to a log with the time of day."""
        if self.live is not None:
            self.console.print(line, markup=False, highlight=False)
        else:
            sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
            sys.stdout.flush()
