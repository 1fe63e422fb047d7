"""What a search varied, one factor at a time: its levels, the trials at each, and their value against that of a reference level."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raysearch.report import plain
from raysearch.report.names import leaf
from raysearch.report.view import View
from raysearch.results.effects import Effect, independent_effect, paired_effect
from raysearch.results.events import Leaf
from raysearch.results.record import TrialRecord

_FEW = 3
_PARTS = 3
Measure = Callable[[TrialRecord], float | None]


@dataclass(frozen=True)
class Level:
    """A value of a factor, or a range of numbers, with the trials that have it."""

    name: str
    trials: tuple[TrialRecord, ...]


@dataclass(frozen=True)
class Factor:
    """A searched value with two levels at least, one of them in more than one trial; the first is the reference."""

    name: str
    levels: tuple[Level, ...]

    @property
    def reference(self) -> Level:
        """The level to which the others are compared."""
        return self.levels[0]


def full_length(view: View) -> tuple[TrialRecord, ...]:
    """Return the search trials that ran their full length and have a value."""
    return tuple(trial for trial in view.search if trial.status == "finished" and trial.value is not None)


def factors(view: View) -> tuple[Factor, ...]:
    """List the factors. The reference is the baseline's level, else the first trial's; numbers that rarely repeat are in thirds."""
    trials = full_length(view)
    names = dict.fromkeys(name for trial in trials for name in trial.values)
    baseline = plain.mapping(plain.at(view.record.spec, "confirm.baseline"))
    found = []
    for name in names:
        mine = [trial for trial in trials if name in trial.values]
        levels = _levels(name, mine)
        if len(levels) > 1 and max(len(level.trials) for level in levels) > 1:
            wanted = baseline.get(name)
            kind = leaf(plain.at(wanted, "kind") if isinstance(wanted, Mapping) else wanted)
            first = next((level for level in levels if level.name == kind), None) or _of(levels, mine[0])
            found.append(Factor(plain.line(name, 80), (first, *(level for level in levels if level is not first))))
    return tuple(found)


def _of(levels: Sequence[Level], trial: TrialRecord) -> Level:
    return next(level for level in levels if trial in level.trials)


def _levels(name: str, trials: Sequence[TrialRecord]) -> list[Level]:
    groups = groups_of([trial.values[name] for trial in trials])
    return [Level(text, tuple(trials[place] for place in places)) for text, places in groups.items()]


def groups_of(values: Sequence[object]) -> dict[str, list[int]]:
    """Put values into groups of equal ones, ascending; numbers that rarely repeat into thirds of their range.

    Returns:
        By what a group is called, the places of its values.
    """
    numbers = [plain.number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if known and len(known) == len(values) and len(set(known)) > max(_FEW, len(values) // 2):
        return _thirds(known)
    groups: dict[str, list[int]] = {}
    for place, value in enumerate(values):
        groups.setdefault(leaf(value), []).append(place)
    firsts = {text: numbers[places[0]] for text, places in groups.items()}
    ordered = sorted(groups, key=lambda text: (firsts[text] is None, firsts[text] or 0.0))
    return {text: groups[text] for text in ordered}


def _thirds(numbers: Sequence[float]) -> dict[str, list[int]]:
    """Put numbers into ranges with about as many different ones each."""
    found: dict[str, list[int]] = {}
    for part in np.array_split(sorted(set(numbers)), _PARTS):
        ends = dict.fromkeys((leaf(float(part[0])), leaf(float(part[-1]))))
        inside = [place for place, number in enumerate(numbers) if part[0] <= number <= part[-1]]
        found.setdefault(" to ".join(ends), []).extend(inside)
    return found


def effect(factor: Factor, level: Level, measure: Measure) -> Effect | None:
    """Compare a level with the reference.

    Where most trials of both have a partner that equals them in every other factor (a grid), by these pairs; values that belong to
    one level's branch only are averaged within a pair. Else as two samples.
    """
    ours, theirs = _measured(level.trials, measure), _measured(factor.reference.trials, measure)
    if not ours or not theirs:
        return None
    first, second = _by_rest(factor.name, ours), _by_rest(factor.name, theirs)
    shared = [key for key in first if key in second]
    covered = sum(len(first[key]) + len(second[key]) for key in shared)
    if len(shared) > 1 and 2 * covered >= len(ours) + len(theirs):
        means = [[float(np.mean(group[key])) for key in shared] for group in (first, second)]
        return paired_effect(means[0], means[1])
    return independent_effect([value for _, value in ours], [value for _, value in theirs])


def _measured(trials: Iterable[TrialRecord], measure: Measure) -> list[tuple[TrialRecord, float]]:
    return [(trial, value) for trial in trials if (value := measure(trial)) is not None]


def _by_rest(name: str, measured: Sequence[tuple[TrialRecord, float]]) -> dict[tuple[tuple[str, Leaf], ...], list[float]]:
    """Group values by everything else that was searched, but for what hangs on the factor itself."""
    groups: dict[tuple[tuple[str, Leaf], ...], list[float]] = {}
    for trial, value in measured:
        rest = tuple(sorted((key, v) for key, v in trial.values.items() if key != name and not key.startswith(f"{name}.")))
        groups.setdefault(rest, []).append(value)
    return groups
