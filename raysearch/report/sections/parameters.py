"""What mattered in the search: importances, and the value against each parameter."""

from __future__ import annotations

import json
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from raysearch.report import plain, svg
from raysearch.report.document import Block, Cell, Column, Figure, Missing, Table
from raysearch.report.formats import fixed, short
from raysearch.report.names import leaf
from raysearch.report.sections.asked import domains
from raysearch.report.view import View
from raysearch.results.record import TrialRecord

IMPORTANCE_FILE = "importance.json"
"""In the run's folder: ``{"parameters": {name: share}, "method": text}``."""

_BRANCHES = "Ranked is what every finished trial has: parameters of single branches are not ranked."
_PANELS = 8
_LARGEST_FILE = 1_000_000


def blocks(view: View) -> list[Block]:
    """Write the figures."""
    importances, method, problem = _importances(view)
    first: Block = _bars(view, importances, method) if importances else Missing(problem)
    return [first, _slices(view, importances)]


def _importances(view: View) -> tuple[dict[str, float], str, str]:
    """Read the file; returns the importances in falling order, the method's name and, if there are none, why."""
    path = view.folder / IMPORTANCE_FILE
    if not path.is_file():
        return {}, "", "Parameter importances were not computed for this run (they need a few finished trials)."
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return {}, "", "The file of parameter importances is too large to be one."
        data = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError):
        return {}, "", "The file of parameter importances can't be read."
    found = {plain.line(name, 60): plain.number(share) for name, share in plain.mapping(plain.at(data, "parameters")).items()}
    known = {name: share for name, share in found.items() if share is not None}
    method = plain.at(data, "method")
    ordered = dict(sorted(known.items(), key=lambda item: (-item[1], item[0])))
    reason = plain.at(data, "reason")
    said = f": {plain.line(reason, 200)}" if isinstance(reason, str) else ""
    how = plain.line(method, 60) if isinstance(method, str) else ""
    return ordered, how, f"Parameter importances could not be told for this run{said}."


def _bars(view: View, importances: dict[str, float], method: str) -> Figure:
    shown = list(importances.items())[:15][::-1]

    def paint(axes: Axes) -> None:
        axes.barh(range(len(shown)), [share for _, share in shown], color=svg.SERIES[0], height=0.62)
        axes.set_yticks(range(len(shown)), [plain.line(name, 34) for name, _ in shown])
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("importance")
        axes.set_xlim(left=min(0.0, *(share for _, share in shown)))

    top = shown[-1]
    several = f"The most important of {len(importances)} parameters is {top[0]}"
    words = f"{several if len(importances) > 1 else f'One parameter is ranked: {top[0]}'} with {fixed(top[1], 2)}."
    drawing = svg.panel(f"{view.prefix}-importance", "Parameter importances", words, paint, height=max(110, 60 + 24 * len(shown)))
    rows = tuple((Cell(name), Cell(fixed(share, 4), share)) for name, share in importances.items())
    data = Table("importance-data", "Numbers of the figure.", (Column("Parameter", align="text"), Column("Importance")), rows)
    how = f", by {method}" if method else ""
    caption = f"How much of the variation of the validation value each parameter accounts for{how}; from few trials, a hint only."
    searched = {plain.line(name, 60) for trial in view.search for name in trial.values}
    if len(importances) == 1 or searched - set(importances):
        caption = f"{caption} {_BRANCHES}"
    return Figure("importance", caption, (drawing,), data)


def _slices(view: View, importances: dict[str, float]) -> Block:
    trials = [trial for trial in view.search if trial.value is not None and trial.status in ("finished", "stopped")]
    names = list(dict.fromkeys(name for trial in trials for name in trial.values))
    names.sort(key=lambda name: -importances.get(plain.line(name, 60), 0.0))
    logarithmic = {domain.name for domain in domains(view.record.spec) if domain.logarithmic}
    varied = [name for name in names if len({leaf(t.values[name]) for t in trials if name in t.values}) > 1]
    if not varied:
        return Missing("No searched parameter took two values in trials that have one, so there are no slices.")
    panels = []
    rows: list[tuple[Cell, ...]] = []
    for position, name in enumerate(varied[:_PANELS]):
        mine = [trial for trial in trials if name in trial.values]
        panels.append(_slice(view, f"{view.prefix}-slice-{position}", name, mine, name in logarithmic))
        rows += [
            (Cell(plain.line(name, 60)), Cell(leaf(t.values[name])), Cell(fixed(t.value, 4)), Cell(str(t.number))) for t in mine
        ]
    columns = (Column("Parameter", align="text"), Column("Setting", align="text"), Column("Value"), Column("Trial"))
    caption = f"Validation {view.metric.title} against each searched parameter. Hollow: stopped early."
    if len(varied) > _PANELS:
        caption += f" The first {_PANELS} of {len(varied)} parameters by importance."
    return Figure(
        "slices", caption, tuple(panels), Table("slices-data", "Numbers of the figure.", columns, tuple(rows)), small=True
    )


def _slice(view: View, identity: str, name: str, trials: Sequence[TrialRecord], logarithmic: bool) -> svg.Drawing:
    numbers = [plain.number(trial.values[name]) for trial in trials]
    numeric = all(number is not None for number in numbers)
    settings = list(dict.fromkeys(leaf(trial.values[name]) for trial in trials))
    if numeric:
        places = [number if number is not None else 0.0 for number in numbers]
    else:
        settings.sort()
        places = [float(settings.index(leaf(trial.values[name]))) for trial in trials]
    log = logarithmic and numeric and min(places) > 0 and max(places) > 3 * min(places)

    def paint(axes: Axes) -> None:
        for stopped in (False, True):
            some = [i for i, trial in enumerate(trials) if (trial.status == "stopped") == stopped]
            fill = "none" if stopped else svg.SERIES[0]
            values = [v for v in (trials[i].value for i in some) if v is not None]
            axes.scatter([places[i] for i in some], values, s=30, facecolors=fill, edgecolors=svg.SERIES[0], linewidths=1.3)
        if log:
            axes.set_xscale("log")
            wide = max(places) > 200 * min(places)
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0), numticks=8))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
            axes.xaxis.set_minor_formatter(NullFormatter())
        if not numeric:
            axes.set_xticks(range(len(settings)), [plain.line(setting, 14) for setting in settings])
            axes.set_xlim(-0.5, len(settings) - 0.5)
        axes.set_xlabel(plain.line(name, 44))
        axes.set_ylabel(view.metric.axis)

    words = f"{len(trials)} trials by {plain.line(name, 60)}."
    return svg.panel(identity, f"Value against {plain.line(name, 60)}", words, paint, width=300, height=190)
