"""Groups: leaves of a template that take their i-th values together (``zip``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from raysearch.errors import SpecError
from raysearch.spec.domain_syntax import Fault, Zipped
from raysearch.spec.domains import Choice, Domain, Leaf, Ordered, same
from raysearch.spec.findings import Path, dotted, shown

Requires = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Place:
    """One leaf of a group: where it stands in the template, what it fills in the configuration, its value in each row."""

    path: Path
    target: Path
    values: tuple[Leaf, ...]


@dataclass
class Group:
    """A group while its template is read."""

    name: str
    requires: Requires
    position: int
    """How many domains stand before its first leaf."""

    places: list[Place] = field(default_factory=list)

    def add(self, leaf: Zipped, path: Path, target: Path, requires: Requires) -> list[Fault]:
        """Take a leaf, or say why it does not belong."""
        self.places.append(Place(path, target, leaf.values))
        if len(leaf.values) != len(self.places[0].values):
            reason = f"has {len(leaf.values)} values, and the first leaf of {self.name} has {len(self.places[0].values)}"
            return [Fault((*path, "values"), list(leaf.values), reason, "give every leaf of the group as many values")]
        if requires != self.requires:
            remedy = "put both into the same branch of one_of, or use two groups"
            return [Fault(path, leaf.group, f"does not exist together with the first leaf of {self.name}", remedy)]
        return []

    def whole(self) -> list[Fault]:
        """Say what is wrong with the group as a whole."""
        first = self.places[0]
        if len(self.places) == 1:
            reason, remedy = "is the only leaf of its group", "write choice: or ordered:, or the same zip: at another leaf"
            return [Fault((*first.path, "zip"), self.name, reason, remedy)]
        rows = self.rows()
        again = next((i for i, row in enumerate(rows) if any(_equal(row, earlier) for earlier in rows[:i])), None)
        if again is not None:
            reason = f"row {again} of {self.name} stands twice"
            return [Fault((*first.path, "values", again), first.values[again], reason, "delete it from every leaf")]
        return []

    def rows(self) -> list[tuple[Leaf, ...]]:
        """Return the values of all leaves, row by row."""
        return list(zip(*(place.values for place in self.places), strict=False))

    def domain(self) -> Domain:
        """Return the group as a domain of labels; with an order where the numbers of every leaf rise or fall."""
        labels = tuple(", ".join(value if isinstance(value, str) else json.dumps(value) for value in row) for row in self.rows())
        if len(set(labels)) < len(labels):  # a text that looks like a number
            labels = tuple(json.dumps(list(row)) for row in self.rows())
        ordered = len(labels) > 1 and all(_monotonic(place.values) for place in self.places)
        return Ordered(labels, "zip") if ordered else Choice(labels)


def _monotonic(values: Sequence[Leaf]) -> bool:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    rises, falls = (all(sign * a < sign * b for a, b in pairwise(numbers)) for sign in (1, -1))
    return len(numbers) == len(values) and (rises or falls)


def _equal(one: Sequence[Leaf], other: Sequence[Leaf]) -> bool:
    return all(same(a, b) for a, b in zip(one, other, strict=True))


def chosen_label(name: str, domain: Domain, places: Sequence[Place], values: Mapping[str, object]) -> Leaf:
    """Return the label of the first row in which the leaves have the ``values`` that are given by their dotted paths.

    Raises:
        SpecError: there is none.
    """
    given = {key: (place, values[key]) for place in places if (key := dotted(place.target)) in values}
    for row, label in enumerate(domain.values or ()):
        if all(same(place.values[row], value) for place, value in given.values()):
            return label
    wanted = ", ".join(f"{key} = {shown(value)}" for key, (_, value) in given.items())
    raise SpecError(f"{wanted} stands in no row of zip {name}", remedy=f"write one of: {'; '.join(map(str, domain.values or ()))}")
