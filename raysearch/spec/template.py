"""Templates: a trial's configuration with domains in it, as plain data; found, and filled with values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from raysearch.spec.domain_syntax import Fault, Zipped, read_domain
from raysearch.spec.domains import Choice, Domain, Leaf, is_domain
from raysearch.spec.findings import Path
from raysearch.spec.groups import Group, Place


@dataclass(frozen=True)
class Entry:
    """One domain of a space.

    Attributes:
        name: what searchers, journals and reports call it.
        path: where it stands in the template.
        target: what it fills in the configuration.
        domain: its values; for ``one_of`` the labels of the branches, for ``zip`` those of the rows.
        requires: names of the ``one_of`` domains around it, each with the label under which this domain exists.
        places: the leaves of a ``zip``, of which ``path`` and ``target`` are the first's; empty for any other domain.
    """

    name: str
    path: Path
    target: Path
    domain: Domain
    requires: tuple[tuple[str, str], ...]
    places: tuple[Place, ...] = ()

    @property
    def targets(self) -> tuple[Path, ...]:
        """The places of the configuration that it fills with plain values; none for branches."""
        if isinstance(self.domain, Choice) and self.domain.branches:
            return ()
        return tuple(place.target for place in self.places) or (self.target,)

    def active(self, assignment: Mapping[str, Leaf]) -> bool:
        """Whether the domain exists under an assignment."""
        return all(name in assignment and assignment[name] == label for name, label in self.requires)


@dataclass(frozen=True)
class Draft:
    """A configuration as plain data, before it is checked.

    Attributes:
        data: plain data.
        trace: for each place of the configuration that a domain filled, the place in the template where its value stands.
    """

    data: dict[str, object]
    trace: Mapping[Path, Path]

    def origin(self, target: Path) -> Path:
        """Return the place in the template of a place in the configuration."""
        for length in range(len(target), 0, -1):
            if target[:length] in self.trace:
                return self.trace[target[:length]] + target[length:]
        return target


@dataclass
class TemplateReader:
    """Finds the domains of a template."""

    entries: list[Entry]
    faults: list[Fault]
    groups: dict[str, Group] = field(default_factory=dict)

    def read(self, template: dict[str, object]) -> object:
        """Return the template, faulty domains replaced by null; note its domains."""
        read = self.node(template, (), (), "", ())
        for group in reversed(self.groups.values()):  # from behind, so that positions stay what they are
            first = group.places[0]
            faults = group.whole()
            if any(entry.name == group.name for entry in self.entries):
                faults = [Fault((*first.path, "zip"), group.name, "is the name of another domain", "choose another name")]
            self.faults.extend(faults)
            entry = Entry(group.name, first.path, first.target, group.domain(), group.requires, tuple(group.places))
            self.entries.insert(group.position, entry)
        return read

    def node(self, node: object, path: Path, target: Path, name: str, requires: tuple[tuple[str, str], ...]) -> object:
        """Return the template's node, faulty domains replaced by null; note the domains in it."""
        if isinstance(node, list):
            return [self.node(n, (*path, i), (*target, i), _joined(name, i), requires) for i, n in enumerate(node)]
        if not isinstance(node, dict):
            return node
        if not is_domain(node):
            return {k: self.node(n, (*path, k), (*target, k), _joined(name, k), requires) for k, n in node.items()}
        domain = read_domain(node, path)
        if isinstance(domain, list):
            self.faults.extend(domain)
            return None
        if isinstance(domain, Zipped):
            group = self.groups.setdefault(domain.group, Group(domain.group, requires, len(self.entries)))
            self.faults.extend(group.add(domain, path, target, requires))
            return node
        self.entries.append(Entry(name, path, target, domain, requires))
        if not (isinstance(domain, Choice) and domain.branches):
            return node
        branches = zip(domain.options, node["one_of"], strict=True)
        inner = [
            self.node(branch, (*path, "one_of", i), target, f"{name}.{label}", (*requires, (name, str(label))))
            for i, (label, branch) in enumerate(branches)
        ]
        return {"one_of": inner}


@dataclass
class TemplateFiller:
    """Puts values in the places of domains; ``entries`` by the path of each place."""

    entries: Mapping[Path, Entry]
    assignment: Mapping[str, Leaf]
    trace: dict[Path, Path]

    def node(self, node: object, path: Path, target: Path) -> object:
        """Return the node with its domains filled."""
        entry = self.entries.get(path)
        if entry is not None and isinstance(node, dict):
            value = self.assignment[entry.name]
            if entry.places:
                row = (entry.domain.values or ()).index(value)
                self.trace[target] = (*path, "values", row)
                return next(place.values[row] for place in entry.places if place.path == path)
            place = path + entry.domain.origin(value)
            self.trace[target] = place
            return self.node(node["one_of"][place[-1]], place, target) if "one_of" in node else value
        if isinstance(node, dict):
            return {key: self.node(inner, (*path, key), (*target, key)) for key, inner in node.items()}
        if isinstance(node, list):
            return [self.node(inner, (*path, i), (*target, i)) for i, inner in enumerate(node)]
        return node


def _joined(name: str, part: str | int) -> str:
    return f"{name}.{part}" if name else str(part)
