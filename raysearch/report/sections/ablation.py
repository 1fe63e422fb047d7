"""One factor a row: what each searched value does to the objective, alone, and at which budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raysearch.report import plain
from raysearch.report.document import Block, Cell, Column, Missing, Table
from raysearch.report.factors import Factor, Level, Measure, effect, factors, full_length
from raysearch.report.formats import NONE, STARS, Metric, count, said, seconds, short, stars
from raysearch.report.view import View
from raysearch.results.effects import Effect
from raysearch.results.record import TrialRecord
from raysearch.results.statistics import holm, mean_interval

_ROWS = 80
_SAME = {"pixels_seen": 1.1, "train_seconds": 1.5}
"""Budgets within this factor count as equal; times vary with what else a machine does."""


def blocks(view: View) -> list[Block]:
    """Write the table; nothing for a search of one value or without finished trials."""
    trials, found = full_length(view), factors(view)
    if not trials:
        return []
    if not found:
        return [
            Missing("No searched value has two levels with trials enough of full length, so there is no table of their effects.")
        ]
    return [_table(view, found, trials)]


def _table(view: View, found: Sequence[Factor], trials: Sequence[TrialRecord]) -> Table:
    every = [(factor, level) for factor in found for level in factor.levels]
    pairs = every[:_ROWS]
    measures = _measures(view, trials)
    effects = [
        [None if level is factor.reference else effect(factor, level, measure) for factor, level in pairs]
        for _, measure in measures
    ]
    corrected = _corrected([one for column in effects for one in column])
    columns = [Column("Factor", align="text"), Column("Level", align="text"), Column("Trials")]
    columns += [Column(f"{view.metric.axis} [95\N{NO-BREAK SPACE}%]"), *(Column(title) for title, _ in measures)]
    columns += [Column("Steps"), Column("Pixels seen"), Column("Trial time")]
    rows = []
    for i, (factor, level) in enumerate(pairs):
        cells = [Cell(factor.name), Cell(level.name), Cell(str(len(level.trials)), len(level.trials)), _mean(view.metric, level)]
        for j in range(len(measures)):
            cells.append(_difference(view.metric, effects[j][i], corrected[j * len(pairs) + i], factor.reference is level))
        rows.append((*cells, *_budget(level)))
    caption = (
        f"What each searched value does to the validation {view.metric.title}: means over the {len(trials)} trials of the search "
        "that ran their full length, and the difference to the factor's first level."
    )
    notes = _notes(view, found, effects, trials, len(measures) > 1)
    notes += (f"The first {_ROWS} of {len(every)} levels.",) if len(every) > _ROWS else ()
    return Table("ablation", caption, tuple(columns), tuple(rows), notes)


def _measures(view: View, trials: Sequence[TrialRecord]) -> list[tuple[str, Measure]]:
    """Return what is compared: values at full length and, where trials differ in budget, those at the smallest if all have one."""
    found: list[tuple[str, Measure]] = [("Δ", lambda trial: trial.value)]
    for title, name in (("Δ at equal pixels", "pixels_seen"), ("Δ at equal time", "train_seconds")):
        spent = [_last(trial, name) for trial in trials]
        known = [value for value in spent if value is not None and value > 0]
        if len(known) == len(trials) and max(known) > _SAME[name] * min(known):
            measure = _at(name, min(known), view.metric.name)
            if all(measure(trial) is not None for trial in trials):
                found.append((title, measure))
    return found


def _at(name: str, limit: float, metric: str) -> Measure:
    """Return the value at the last evaluation within a budget; None before the first one."""

    def measure(trial: TrialRecord) -> float | None:
        within = [point for point in trial.reports if point.metrics.get(name, np.inf) <= limit * (1 + 1e-9)]
        return plain.number(within[-1].metrics.get(metric)) if within else None

    return measure


def _last(trial: TrialRecord, name: str) -> float | None:
    return plain.number(trial.reports[-1].metrics.get(name)) if trial.reports else None


def _corrected(effects: Sequence[Effect | None]) -> list[float | None]:
    known = [i for i, one in enumerate(effects) if one is not None and not np.isnan(one.p)]
    values = dict(zip(known, holm([one.p for i in known if (one := effects[i]) is not None]), strict=True))
    return [values.get(i) for i in range(len(effects))]


def _mean(metric: Metric, level: Level) -> Cell:
    interval = mean_interval([trial.value for trial in level.trials if trial.value is not None])
    ends = "" if np.isnan(interval.low) else f"[{metric.show(interval.low)}, {metric.show(interval.high)}]"
    return Cell(metric.show(interval.mean), interval.mean, note=ends)


def _difference(metric: Metric, one: Effect | None, p: float | None, reference: bool) -> Cell:
    if one is None:
        return Cell("reference" if reference else NONE)
    parts = [metric.interval(one.low, one.high)] if p is not None else ["no interval"]
    parts += [said(p)] if p is not None else []
    parts += [f"{one.n[0]} pairs"] if one.paired else []
    return Cell(f"{metric.difference(one.difference)}{stars(p)}", one.difference, note=", ".join(parts))


def _budget(level: Level) -> tuple[Cell, Cell, Cell]:
    steps = float(np.mean([trial.step for trial in level.trials]))
    pixels = [value for trial in level.trials if (value := _last(trial, "pixels_seen")) is not None]
    spent = float(np.mean([trial.seconds for trial in level.trials]))
    seen = float(np.mean(pixels)) if pixels else None
    return Cell(short(round(steps)), steps), Cell(count(seen), seen), Cell(seconds(spent), spent)


def _notes(
    view: View, found: Sequence[Factor], effects: Sequence[Sequence[Effect | None]], trials: Sequence[TrialRecord], cut: bool
) -> tuple[str, ...]:
    known = [one for column in effects for one in column if one is not None]
    grid = all(one.paired for one in known)
    pairs = "over pairs of trials that are equal in every other searched value"
    how = (
        f"Differences are means {pairs}, with the t interval of the pairs"
        if grid
        else f"Differences are between the means of two groups of trials, with Welch's t interval, or, where it says so, {pairs}"
    )
    notes = [f"{how}. p values of all {len(known)} differences are corrected together after Holm ({STARS}); the intervals are not."]
    if not grid and plain.at(view.record.spec, "searcher.kind") != "grid":
        notes.append(
            "The searcher chose these trials and tried what looked good more often, with better other values: a hint, not a test."
        )
    notes.append("Each trial is one training with one seed, evaluated on the validation photographs.")
    listed = {name for trial in trials for name in trial.values}
    if len(listed) > len(found):
        notes.append("Values without a second level, or with one trial a level, are left out.")
    if cut:
        notes.append(
            "Trials differ in budget. At equal pixels or time each counts with its last evaluation within what the smallest spent, "
            "in the middle of its learning-rate schedule."
        )
    return (*notes, _equal(trials))


def _equal(trials: Sequence[TrialRecord]) -> str:
    """State at which budget the trials stand beside each other."""
    steps = {trial.step for trial in trials}
    pixels = {_last(trial, "pixels_seen") for trial in trials}
    took = f"{min(steps):,} steps" if len(steps) == 1 else f"{min(steps):,} to {max(steps):,} steps"
    seen = [value for value in pixels if value is not None]
    if len(seen) == len(pixels):
        took += f", {count(min(seen))} pixels" if len(seen) == 1 else f", {count(min(seen))} to {count(max(seen))} pixels"
    spent = sorted(trial.seconds for trial in trials)
    equal = "Equal budget" if len(steps) == len(pixels) == 1 else "Unequal budget"
    return f"{equal}: a trial took {took} and {seconds(spent[0])} to {seconds(spent[-1])}."
