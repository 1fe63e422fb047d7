"""From some values to an assignment of a whole space: what is not named gets a default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from raysearch.errors import SpecError
from raysearch.spec.domains import Domain, Leaf, same
from raysearch.spec.findings import dotted, one_of_names, shown
from raysearch.spec.groups import chosen_label
from raysearch.spec.template import Entry


def matched(entry: Entry, value: object) -> Leaf:
    """Return ``value`` as the domain of ``entry`` writes it.

    Raises:
        SpecError: it is outside.
    """
    try:
        return entry.domain.match(value)
    except ValueError as error:
        raise SpecError(
            f"{entry.name} = {shown(value)} is outside its domain", remedy=f"write {error}, or widen the domain"
        ) from error


def completed(entries: Sequence[Entry], values: Mapping[str, Leaf], rest: Callable[[Domain], Leaf]) -> dict[str, Leaf]:
    """See `raysearch.spec.space.Space.complete`.

    Raises:
        SpecError: an unknown name, a value outside its domain, or values that need two branches of one ``one_of``.
    """
    known = {entry.name: entry for entry in entries}
    wanted: dict[str, Leaf] = {}
    for name, value in values.items():
        if name not in known:
            raise SpecError(f"{name} is no domain of this space", remedy=one_of_names(name, known))
        for outer, label in [*known[name].requires, (name, matched(known[name], value))]:
            if outer in wanted and not same(wanted[outer], label):
                raise SpecError(
                    f"{name} exists only under {outer} = {label}, not under {wanted[outer]}", remedy="drop one of the two"
                )
            wanted[outer] = label
    assignment: dict[str, Leaf] = {}
    for entry in entries:
        if entry.active(assignment):
            assignment[entry.name] = wanted[entry.name] if entry.name in wanted else rest(entry.domain)
    return assignment


def named(
    entries: Sequence[Entry], values: Mapping[str, object], filled: Callable[[dict[str, Leaf]], Mapping[str, object]]
) -> dict[str, Leaf]:
    """Return the values of domains that some keys mean; see `raysearch.spec.space.Space.resolve`.

    Args:
        entries: the domains.
        values: by the name of a domain or by a dotted path of the configuration.
        filled: the configuration with some of the domains' values, as plain data.

    Raises:
        SpecError: an unknown key, or values of a ``zip`` that stand in no row of it.
    """
    names = {entry.name for entry in entries}
    chosen = {key: value for key, value in values.items() if key in names}
    for entry in entries:
        if entry.name not in chosen and any(dotted(place.target) in values for place in entry.places):
            chosen[entry.name] = chosen_label(entry.name, entry.domain, entry.places, values)
    zipped = {dotted(place.target) for entry in entries for place in entry.places if entry.name not in values}
    for key, value in values.items():
        if key in names or key in zipped:
            continue
        candidates = [entry for entry in entries if dotted(entry.target) == key and not entry.places]
        fits = [entry for entry in candidates if all(chosen.get(name, label) == label for name, label in entry.requires)]
        if fits:
            chosen[fits[0].name] = value
        elif not _fixed(filled(_leaves(chosen)), key, value):
            every = names | {dotted(entry.target) for entry in entries}
            raise SpecError(f"{key} = {shown(value)} is not in this space", remedy=one_of_names(key, every))
    return _leaves(chosen)


def _leaves(values: Mapping[str, object]) -> dict[str, Leaf]:
    """Narrow to plain values; anything else is refused by the domain that it is meant for."""
    return dict(values)  # type: ignore[arg-type]


def _fixed(data: object, key: str, value: object) -> bool:
    node: Any = data
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return same(node, value)
