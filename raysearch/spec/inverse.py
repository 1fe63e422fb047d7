"""From a whole configuration back to the values of a space's domains, and in words why it has none there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raysearch.errors import SpecError
from raysearch.spec.domains import Choice, Leaf, Ordered, same
from raysearch.spec.findings import MISSING, Path, dotted, shown
from raysearch.spec.space import Assignment, Space
from raysearch.spec.template import Entry

_IGNORED = frozenset({"seed", "evaluate.samples"})
"""What may differ: neither changes what a configuration is worth."""


def values_of(space: Space, config: Mapping[str, object]) -> Assignment:
    """Return the values under which a space gives a configuration, but for its seed and the number of kept samples.

    Args:
        config: a `raysearch.spec.trial.TrialConfig` as JSON data.

    Raises:
        SpecError: there are none; the cause is a short sentence that is the same for all configurations which differ likewise.
    """
    assignment: Assignment = {}
    for entry in space.entries:
        if entry.active(assignment):
            assignment[entry.name] = _value(space, entry, assignment, config)
    bound = space.bind(assignment, 0).model_dump(mode="json")
    for path in _differing(bound, config, ()):
        if dotted(path) not in _IGNORED:
            raise SpecError(f"{dotted(path)} is another ({shown(at(config, path), 40)})")
    if not space.allows(assignment):
        raise SpecError("does not meet the constraints of the space")
    return assignment


def nearest_values(space: Space, config: Mapping[str, object]) -> Assignment | None:
    """Return the values of a space that are the nearest to a configuration of another study; None if it has nothing in common.

    A number outside its range becomes the nearest end, and what is not there gets the default of its domain.
    """
    assignment: Assignment = {}
    found = 0
    for entry in space.entries:
        if not entry.active(assignment):
            continue
        value = _near(space, entry, assignment, config)
        found += value is not MISSING
        assignment[entry.name] = entry.domain.default if value is MISSING else value  # type: ignore[assignment]
    return assignment if found and space.allows(assignment) else None


def at(data: object, path: Path) -> object:
    """Return what stands at a place of plain data; `MISSING` where there is no such place."""
    for part in path:
        within = data if isinstance(data, Mapping) else dict(enumerate(data)) if isinstance(data, list) else {}
        data = within.get(part, MISSING)
    return data


def _value(space: Space, entry: Entry, assignment: Assignment, config: Mapping[str, object]) -> Leaf:
    """Return the value of a domain in a configuration.

    Raises:
        SpecError: it is not there, or it is outside the domain.
    """
    value = _taken(space, entry, assignment, config)
    if value is MISSING:
        raise SpecError(f"{dotted(entry.target)} is outside {entry.name} ({shown(at(config, entry.target), 40)})")
    return value  # type: ignore[return-value]


def _taken(space: Space, entry: Entry, assignment: Assignment, config: Mapping[str, object]) -> object:
    """Return the value of a domain in a configuration, `MISSING` where it has none."""
    if entry.places:
        rows = [[at(config, place.target) for place in entry.places]]
        for row, label in enumerate(entry.domain.values or ()):
            if all(same(place.values[row], value) for place, value in zip(entry.places, rows[0], strict=True)):
                return label
        return MISSING
    present = at(config, entry.target)
    if isinstance(entry.domain, Choice) and entry.domain.branches:
        return _branch(space, entry, assignment, config)
    for spelling in (present, int(present)) if isinstance(present, float) and present.is_integer() else (present,):
        try:
            return entry.domain.match(spelling)
        except ValueError:
            continue  # a whole number in a field of fractions
    return _spelled(space, entry, assignment, present)


def _branch(space: Space, entry: Entry, assignment: Assignment, config: Mapping[str, object]) -> object:
    """Return the label of the branch that a part of a configuration was made from: the first whose fixed values are all there."""
    present = at(config, entry.target)
    for label in entry.domain.values or ():
        within = (*entry.requires, (entry.name, str(label)))
        whole = [one for one in space.entries if one.requires == within and one.target == entry.target]
        if any(_taken(space, one, {**assignment, entry.name: label}, config) is MISSING for one in whole):
            continue  # the branch is nothing but a domain, and the value is outside
        drafted = at(space.draft(space.complete({**_outer(entry, assignment), entry.name: label})).data, entry.target)
        if _made_from(drafted, present, free=_free(space, entry, label)):
            return label
    return MISSING


def _outer(entry: Entry, assignment: Assignment) -> Assignment:
    return {name: assignment[name] for name, _ in entry.requires}


def _free(space: Space, entry: Entry, label: Leaf) -> frozenset[Path]:
    """Return the places inside a branch that domains fill."""
    inner = [one for one in space.entries if (entry.name, label) in one.requires]
    targets = [place.target for one in inner for place in one.places] + [one.target for one in inner]
    return frozenset(target[len(entry.target) :] for target in targets)


def _made_from(draft: object, present: object, free: frozenset[Path], path: Path = ()) -> bool:
    """Whether a part of a configuration may come from a draft: what the draft says, outside its domains, stands there."""
    if path in free:
        return True
    if isinstance(draft, Mapping):
        if not isinstance(present, Mapping):
            return False
        return all(key in present and _made_from(inner, present[key], free, (*path, key)) for key, inner in draft.items())
    if isinstance(draft, str) and isinstance(present, Mapping):
        return same(draft, present.get("kind"))  # a component by its kind alone
    if isinstance(draft, list) and isinstance(present, list):
        return len(draft) == len(present) and all(
            _made_from(a, b, free, (*path, i)) for i, (a, b) in enumerate(zip(draft, present, strict=True))
        )
    return same(draft, present)


def _spelled(space: Space, entry: Entry, assignment: Assignment, present: object) -> object:
    """Return the option that a configuration spells otherwise, e.g. a protocol by its name."""
    for option in entry.domain.options if isinstance(entry.domain, Choice | Ordered) else ():
        try:
            bound = space.bind(space.complete({**_outer(entry, assignment), entry.name: option}), 0)
        except SpecError:
            continue
        if at(bound.model_dump(mode="json"), entry.target) == present:
            return option
    return MISSING


def _near(space: Space, entry: Entry, assignment: Assignment, config: Mapping[str, object]) -> object:
    value = _taken(space, entry, assignment, config)
    number: Any = at(config, entry.target)
    if value is not MISSING or isinstance(number, bool) or not isinstance(number, int | float):
        return value
    candidates = [one for one in (entry.domain.values or entry.domain.ends) if isinstance(one, int | float)]
    return min(candidates, key=lambda one: abs(one - number), default=MISSING)


def _differing(one: object, other: object, path: Path) -> list[Path]:
    """Return the places at which two configurations differ, in the order of the first."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        keys = [*one, *(key for key in other if key not in one)]
        return [found for key in keys for found in _differing(one.get(key, MISSING), other.get(key, MISSING), (*path, key))]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [found for i, (a, b) in enumerate(zip(one, other, strict=True)) for found in _differing(a, b, (*path, i))]
    return [] if (one is MISSING and other is MISSING) or same(one, other) else [path]
