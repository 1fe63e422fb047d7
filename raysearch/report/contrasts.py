"""Two sides at an equal budget: the difference, its interval and p value, and how large it is beside its spread.

Where both were confirmed on the same test photographs after equally long trainings, they are compared there. Else their validation
values are, at the largest budget that all of the trainings reached; see `raysearch.report.measured`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from raysearch.errors import SpecError
from raysearch.report.budgets import BUDGETS, NAMES, Budget, equal, length, shown, usual
from raysearch.report.common import Ground, ground
from raysearch.report.formats import Metric
from raysearch.report.measured import Numbers, on_test, on_validation, race_of, rest_of
from raysearch.report.sides import Side
from raysearch.results.statistics import holm

Basis = Literal["test", "validation"]


@dataclass(frozen=True)
class Contrast:
    """One side against the reference.

    Attributes:
        numbers: None where they can't be compared; then ``problem`` says why.
        basis: ``test`` photographs after the whole training, or ``validation`` values at the budget.
        limit: what all of the trainings had spent then.
        how: on what, and paired how, in words.
        notes: what a reader has to know, sentences.
    """

    side: Side
    reference: Side
    problem: str
    numbers: Numbers | None
    basis: Basis
    limit: float
    how: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Contrasts:
    """All sides against the first one.

    Attributes:
        by: the setting whose values are compared; empty where runs are.
        budget: by which trainings are equally long.
    """

    by: str
    metric: Metric
    budget: Budget
    rows: tuple[Contrast, ...]


def contrasts(sides: Sequence[Side], by: str = "", budget: Budget | None = None, *, other_training_data: bool = False) -> Contrasts:
    """Compare all sides with the first one.

    Args:
        sides: two at least.
        by: the setting whose values they are, as for `raysearch.report.sides.sides_by`; empty for runs.
        budget: by which trainings have to be equally long; `raysearch.report.budgets.usual` without it.
        other_training_data: whether trainings on different photographs may be compared.

    Raises:
        SpecError: no trial of any side ended with a value.
    """
    reference, *others = sides
    by = by.removeprefix("trial.")
    trials = [trial for side in sides for trial in side.trials]
    chosen = usual(trials) if budget is None else budget
    metric = next((view.metric for side in sides for view in side.views), None)
    if metric is None:
        raise SpecError("no trial has ended with a value yet", remedy="raysearch watch shows how far a run is")
    rows = [
        _contrast(side, reference, by, chosen, ground(side, reference, other_training_data=other_training_data)) for side in others
    ]
    return Contrasts(by, metric, chosen, _corrected(rows))


def _corrected(rows: Sequence[Contrast]) -> tuple[Contrast, ...]:
    known = {i: row.numbers.p for i, row in enumerate(rows) if row.numbers is not None and not math.isnan(row.numbers.p)}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    return tuple(
        replace(row, numbers=replace(row.numbers, corrected=corrected[i])) if row.numbers is not None and i in corrected else row
        for i, row in enumerate(rows)
    )


def _contrast(side: Side, reference: Side, by: str, budget: Budget, common: Ground) -> Contrast:
    def refused(problem: str) -> Contrast:
        return Contrast(side, reference, problem, None, "validation", math.nan, "", ())

    for one in (side, reference):
        if not any(trial.reports for trial in one.trials):
            return refused(f"{one.name} has no training that ended with a value")
    if common.problem:
        return refused(common.problem)
    lengths = [length(trial, budget) for trial in (*side.trials, *reference.trials)]
    known = [one for one in lengths if one is not None]
    if len(known) < len(lengths):
        return refused(f"{len(lengths) - len(known)} trainings have recorded no {NAMES[budget]}")
    limit, alike = min(known), equal(known, budget)
    notes = (*common.notes, *_chosen(side, by), *_lost(side, reference), *_otherwise(side, reference, by))
    if common.places and alike:
        numbers, how = on_test(side, reference, common.places)
        basis: Basis = "test"
        notes += (*_raced(side, reference), *_cost(side, reference, budget))
    elif common.no_validation:
        return refused(common.no_validation)
    else:
        numbers, how = on_validation(side, reference, by, budget, limit)
        basis = "validation"
        notes += _cut(alike, tested=bool(common.places))
    return Contrast(side, reference, how if numbers is None else "", numbers, basis, limit, how, notes)


def _chosen(side: Side, by: str) -> tuple[str, ...]:
    if side.phase == "confirm":
        return ()
    if by:
        return ("Trials of a search differ in all that was searched, and were selected by these values, so they are optimistic.",)
    return (
        "Not every run has confirmed a winner, so the best trials of the searches are compared: one training each, selected by "
        "these very values and so optimistic.",
    )


def _lost(side: Side, reference: Side) -> tuple[str, ...]:
    parts = [f"{one.lost} of {one.name}" for one in (reference, side) if one.lost]
    return (f"Not compared, since they did not end with a value: {' and '.join(parts)}.",) if parts else ()


def _otherwise(side: Side, reference: Side, by: str) -> tuple[str, ...]:
    """Name the settings in which two values' trials differ beside the one that is compared."""
    if not by or side.phase == "search":
        return ()
    ours, theirs = ([dict(rest_of(trial, by)) for trial in one.trials] for one in (side, reference))
    names = sorted({name for rest in (*ours, *theirs) for name in rest})
    differing = [name for name in names if {rest.get(name) for rest in ours} != {rest.get(name) for rest in theirs}]
    listed = ", ".join(differing[:4]) + (", …" if len(differing) > 4 else "")
    return (f"{side.name} and {reference.name} differ also in {listed}.",) if differing else ()


def _raced(side: Side, reference: Side) -> tuple[str, ...]:
    rule = race_of((*side.trainings, *reference.trainings))
    if rule is None:
        return ()
    return (f"Seeds were raced: intervals and p values on test photographs are corrected for {rule.looks} looks.",)


def _cost(side: Side, reference: Side, budget: Budget) -> tuple[str, ...]:
    """Say what else the trainings of an equal budget took, where that differs by more than a twentieth."""
    found = []
    for other in BUDGETS:
        means = [[one for trial in of.trials if (one := length(trial, other)) is not None] for of in (side, reference)]
        if other == budget or not all(means):
            continue
        ours, theirs = (sum(one) / len(one) for one in means)
        if not equal((ours, theirs), "seconds"):
            found.append(f"{shown(ours, other)} (and {shown(theirs, other)})")
    names = f"a training of {side.name} (and of {reference.name})"
    return (f"At this budget {names} took {' and '.join(found)} on average.",) if found else ()


def _cut(alike: bool, *, tested: bool) -> tuple[str, ...]:
    if alike:
        return ()
    why = "test photographs were seen only at the end of each, so validation values are compared" if tested else ""
    said = f"The trainings are not equally long{f'; {why}' if why else ''}: each is cut at the largest budget that all reached."
    return (said, "A longer training whose learning rate falls until its end is at a disadvantage where it is cut.")
