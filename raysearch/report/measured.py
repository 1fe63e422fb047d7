"""What two sides measured: on test photographs after the whole training, or on validation photographs at a budget.

Test values are paired over photographs, and over seeds where both sides have the same ones; several configurations of one seed are
averaged. Validation values, one a training, are paired by seed in the confirmation, or by everything else in the configuration (a
grid); else they are two independent samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raysearch.report.budgets import Budget, reached, shown
from raysearch.report.formats import Metric, plural
from raysearch.report.names import settings
from raysearch.report.scores import Place, by_photograph, photographs
from raysearch.report.sides import Side, Training
from raysearch.results.effects import Effect, independent_effect, paired_effect
from raysearch.results.racing import RaceRule
from raysearch.results.record import TrialRecord
from raysearch.results.standardised import Standardised
from raysearch.results.statistics import paired_difference

Measured = Sequence[tuple[TrialRecord, float]]
Groups = dict[str, list[float]]


@dataclass(frozen=True)
class Numbers:
    """A difference, side minus reference.

    Attributes:
        difference: in the unit of the metric.
        low: lower end of the 95 % interval; nan where there are too few values for one.
        high: upper end; nan as above.
        p: two-sided; nan as above.
        corrected: p after Holm's correction over all comparisons of the table.
        effect: Cohen's d.
        identical: whether both gave the very same values.
        whole: whether the interval accounts for all that was drawn: photographs and seeds, or trainings.
    """

    difference: float
    low: float
    high: float
    p: float
    corrected: float
    effect: Standardised
    identical: bool
    whole: bool


def on_test(side: Side, reference: Side, places: Sequence[Place]) -> tuple[Numbers | None, str]:
    """Compare two confirmed sides at some places: the numbers, or None, and how they came about, or why not."""
    sides, seeds = (side, reference), [_seeds(side), _seeds(reference)]
    shared = sorted(set(seeds[0]) & set(seeds[1]))
    if len(shared) > 1 or seeds[0] == seeds[1]:
        seeds = [shared, shared]
    every = [one for side in sides for one in side.trainings]
    images = [{(place, image) for place in places for image in one.view.scores.images([one.trial.number], place)} for one in every]
    cells = sorted(set.intersection(*images))
    if not cells:
        return None, "no test photograph in common"
    metric = every[0].view.metric
    ours, theirs = (_by_seed(side, of, cells, metric) for side, of in zip(sides, seeds, strict=True))
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return None, f"a {metric.title} is infinite or missing"
    race = race_of(every)
    found = (race.difference if race is not None else paired_difference)(ours, theirs, seeds=(seeds[0], seeds[1]))
    seeded = f"{plural(len(shared), 'seed')} in pairs" if found.paired else f"{len(seeds[0])} and {len(seeds[1])} seeds, not paired"
    others = len(photographs(sorted(set.union(*images)))) - found.n_images
    alone = f"; {plural(others, 'photograph')} that not all were measured on left out" if others else ""
    how = f"{plural(found.n_images, 'test photograph')}, {seeded}{alone}"
    whole = found.covers == "images and seeds"
    numbers = Numbers(found.difference, found.low, found.high, found.p, found.p, found.effect, found.identical, whole)
    return numbers, how


def _seeds(side: Side) -> list[int]:
    return sorted({trial.seed for trial in side.trials})


def _by_seed(side: Side, seeds: Sequence[int], cells: Sequence[tuple[Place, str]], metric: Metric) -> NDArray[np.float64]:
    """Return values of shape (seeds, photographs); several configurations of one seed are averaged."""
    rows = []
    for seed in seeds:
        mine = [one.view.scores.matrix([one.trial.number], cells, metric.name) for one in side.trainings if one.trial.seed == seed]
        rows.append(np.concatenate(mine).mean(axis=0))
    return by_photograph(np.stack(rows), cells)


def race_of(trainings: Iterable[Training]) -> RaceRule | None:
    """Return the race with the most looks, by which intervals are corrected; None if nothing was raced."""
    rules = [training.view.race for training in trainings]
    return max((rule for rule in rules if rule is not None), key=lambda rule: rule.looks, default=None)


def on_validation(side: Side, reference: Side, by: str, budget: Budget, limit: float) -> tuple[Numbers | None, str]:
    """Compare two sides by validation values at the last evaluation within a budget, likewise."""
    metric = side.trainings[0].view.metric.name
    ours, theirs = (_within(one, budget, limit, metric) for one in (side, reference))
    if not ours or not theirs:
        return None, f"no evaluation lies within {shown(limit, budget)}"
    keys: list[tuple[str, Callable[[TrialRecord], object]]] = [("the rest of its configuration", lambda trial: rest_of(trial, by))]
    if side.phase == reference.phase == "confirm":
        keys.insert(0, ("seed", lambda trial: trial.seed))
    for what, key in keys:
        first, second = _groups(ours, key), _groups(theirs, key)
        common = [name for name in first if name in second]
        covered = sum(len(first[name]) + len(second[name]) for name in common)
        if len(common) > 1 and 2 * covered >= len(ours) + len(theirs):
            means = [[float(np.mean(group[name])) for name in common] for group in (first, second)]
            alone = len(ours) + len(theirs) - covered
            left = f"; {plural(alone, 'training')} without a partner left out" if alone else ""
            return _numbers(paired_effect(means[0], means[1]), means[0] == means[1]), f"{len(common)} pairs by {what}{left}"
    effect = independent_effect([value for _, value in ours], [value for _, value in theirs])
    return _numbers(effect, False), f"{len(ours)} and {plural(len(theirs), 'training')}, not paired"


def _numbers(found: Effect, identical: bool) -> Numbers:
    whole = not math.isnan(found.low)
    return Numbers(found.difference, found.low, found.high, found.p, found.p, found.effect, identical, whole)


def _within(side: Side, budget: Budget, limit: float, metric: str) -> Measured:
    found = [(trial, reached(trial, budget, limit, metric)) for trial in side.trials]
    return [(trial, value) for trial, value in found if value is not None]


def _groups(values: Measured, key: Callable[[TrialRecord], object]) -> Groups:
    found: Groups = {}
    for trial, value in values:
        found.setdefault(repr(key(trial)), []).append(value)
    return found


def rest_of(trial: TrialRecord, by: str) -> tuple[tuple[str, str], ...]:
    """Return all of a configuration but the setting that is compared and what hangs on it, as texts."""
    parent = by.removesuffix(".kind")
    flat = settings(trial.config)
    return tuple(sorted((name, repr(value)) for name, value in flat.items() if not f"{name}.".startswith(f"{parent}.")))
