"""What the confirmed methods reach within equal budgets: steps, pixels seen, device time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from raysearch.report import plain
from raysearch.report.document import Block, Cell, Column, Table
from raysearch.report.formats import NONE, STARS, count, plural, said, seconds, stars
from raysearch.report.series import workers_of
from raysearch.report.view import BASELINE, Method, View
from raysearch.results.effects import Effect, independent_effect, paired_effect
from raysearch.results.record import TrialRecord
from raysearch.results.statistics import holm, mean_interval

Spent = Callable[[TrialRecord], list[tuple[float, float]]]


@dataclass(frozen=True)
class Budget:
    """Something of which each training spends an amount.

    Attributes:
        name: as in ``at equal steps``.
        points: of a trial: what it had spent, and the objective, at each evaluation.
        show: how an amount is printed.
        differs: a factor between the least and the most that a training spent, from which on budgets are unequal.
    """

    name: str
    points: Spent
    show: Callable[[float], str]
    differs: float


def blocks(view: View) -> list[Block]:
    """Print what each method spent, and the differences to the baseline within equal budgets."""
    methods, baseline = [method for method in view.methods if method.trials], view.baseline
    known = budgets(view)
    if baseline is None or len(methods) < 2 or not known:
        return []
    limits = {one.name: min(one.points(t)[-1][0] for method in methods for t in method.trials) for one in known}
    shown = [one for one in known if one.name == "steps" or _differs(one, methods)]
    others = [method for method in methods if method.role != BASELINE]
    effects = {(m.role, one.name): effect_at(one, m, baseline, limits[one.name]) for m in others for one in shown}
    corrected = _corrected(effects)
    rows = []
    for method in methods:
        spent = [float(np.mean([one.points(trial)[-1][0] for trial in method.trials])) for one in known]
        cells = [Cell(one.show(value), value) for one, value in zip(known, spent, strict=True)]
        cells.append(_value(view, method, limits["steps"]))
        cells += [_difference(view, effects.get((method.role, one.name)), corrected.get((method.role, one.name))) for one in shown]
        rows.append((Cell(method.title), *cells))
    columns = [
        Column("Method", align="text"),
        *(Column(one.name[:1].upper() + one.name[1:], "Spent by a training") for one in known),
    ]
    columns += [Column(f"{view.metric.axis} at {limits['steps']:,.0f} steps [95\N{NO-BREAK SPACE}%]")]
    columns += [Column(one.name, "Δ to baseline at equal") for one in shown]
    caption = (
        f"Equal budgets: validation {view.metric.title} of the confirmed methods where each has spent as much as the one that "
        "spent least."
    )
    return [Table("budgets", caption, tuple(columns), tuple(rows), _notes(limits, known, shown, len(effects)))]


def budgets(view: View) -> tuple[Budget, ...]:
    """List the budgets that all confirmed trainings tell: always steps, then pixels and device time."""

    def spent(name: str) -> Spent:
        def of(trial: TrialRecord) -> list[tuple[float, float]]:
            each = workers_of(trial) if name == "train_seconds" else 1.0
            pairs = [(plain.number(p.metrics.get(name)), plain.number(p.metrics.get(view.metric.name))) for p in trial.reports]
            return [(amount * each, value) for amount, value in pairs if amount is not None and value is not None]

        return of

    def steps(trial: TrialRecord) -> list[tuple[float, float]]:
        pairs = [(p.step, plain.number(p.metrics.get(view.metric.name))) for p in trial.reports]
        return [(float(step), value) for step, value in pairs if value is not None]

    every = (
        Budget("steps", steps, lambda value: f"{value:,.0f}", 1.0),
        Budget("pixels", spent("pixels_seen"), count, 1.0),
        Budget("device time", spent("train_seconds"), seconds, 1.02),
    )
    trials = [trial for method in view.methods for trial in method.trials]
    return tuple(one for one in every if trials and all(one.points(trial) for trial in trials))


def reached(budget: Budget, trial: TrialRecord, limit: float) -> float | None:
    """Return the objective when so much was spent, linearly between evaluations; None before the first one."""
    points = budget.points(trial)
    if not points or points[0][0] > limit * (1 + 1e-9):
        return None
    return float(np.interp(limit, [spent for spent, _ in points], [value for _, value in points]))


def effect_at(budget: Budget, method: Method, other: Method, limit: float) -> Effect | None:
    """Compare two methods at a budget: by pairs of trainings with the same seeds, else as two samples."""
    values = [{t.seed: value for t in m.trials if (value := reached(budget, t, limit)) is not None} for m in (method, other)]
    if not all(values):
        return None
    if values[0].keys() == values[1].keys():
        return paired_effect(list(values[0].values()), [values[1][seed] for seed in values[0]])
    return independent_effect(list(values[0].values()), list(values[1].values()))


def _differs(budget: Budget, methods: Sequence[Method]) -> bool:
    spent = [budget.points(trial)[-1][0] for method in methods for trial in method.trials]
    return max(spent) > budget.differs * min(spent)


def _corrected(effects: dict[tuple[str, str], Effect | None]) -> dict[tuple[str, str], float]:
    raw = {key: one.p for key, one in effects.items() if one is not None and not np.isnan(one.p)}
    return dict(zip(raw, holm(list(raw.values())), strict=True))


def _value(view: View, method: Method, limit: float) -> Cell:
    steps = next(one for one in budgets(view) if one.name == "steps")
    values = [value for trial in method.trials if (value := reached(steps, trial, limit)) is not None]
    if not values:
        return Cell(NONE)
    found = mean_interval(values)
    ends = "" if np.isnan(found.low) else f"[{view.metric.show(found.low)}, {view.metric.show(found.high)}]"
    return Cell(view.metric.show(found.mean), found.mean, note=ends)


def _difference(view: View, one: Effect | None, p: float | None) -> Cell:
    if one is None:
        return Cell(NONE)
    note = f"{view.metric.interval(one.low, one.high)}, {said(p)}" if p is not None else "no interval"
    return Cell(f"{view.metric.difference(one.difference)}{stars(p)}", one.difference, note=note)


def _notes(limits: dict[str, float], known: Sequence[Budget], shown: Sequence[Budget], tests: int) -> tuple[str, ...]:
    least = ", ".join(f"{one.show(limits[one.name])}{'' if one.name == 'device time' else f' {one.name}'}" for one in known)
    notes = [
        f"The least that a training spent: {least}. Values between two evaluations are interpolated; those before the end lie in "
        "the middle of a learning-rate schedule.",
        "Differences are means over seeds on the validation photographs, with t intervals over seeds only: paired where both "
        "methods have the same seeds, else Welch's. "
        f"p values of all {plural(tests, 'difference')} are corrected together after Holm ({STARS}).",
    ]
    equal = [one.name for one in known if one not in shown]
    if equal:
        notes.insert(0, f"Equal budget: all trainings spent the same {' and '.join(equal)}.")
    return tuple(notes)
