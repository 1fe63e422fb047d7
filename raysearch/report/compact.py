"""Many points in fewer bytes: what neighbours in a drawing have in common is said once, by a group around them."""

from __future__ import annotations

from itertools import groupby
from xml.etree import ElementTree

Element = ElementTree.Element

_FEW = 3
_OWN = ("x", "y", "href")
"""What a point has for itself; all else goes to the group around it."""


def compact(root: Element) -> None:
    """Shorten a drawing whose declarations are attributes already; it looks the same."""
    _join(root)
    _gather(root)


def _join(parent: Element) -> None:
    """Make one group of neighbours that say the same, such as where they are cut off."""
    joined: list[Element] = []
    for child in parent:
        _join(child)
        before = joined[-1] if joined else None
        same = before is not None and child.tag == before.tag == "g" and child.attrib == before.attrib
        if before is not None and same and not {"id", "opacity"} & set(child.attrib):
            before.extend(child)
        else:
            joined.append(child)
    parent[:] = joined


def _gather(parent: Element) -> None:
    """Give points next to each other that look alike one group with their look."""
    for child in parent:
        _gather(child)
    gathered: list[Element] = []
    for look, some in groupby(parent, key=_look):
        run = list(some)
        if look is None or len(run) < _FEW:
            gathered += run
            continue
        group = Element("g", dict(look))
        group[:] = [Element("use", {key: one.attrib[key] for key in _OWN if key in one.attrib}) for one in run]
        gathered.append(group)
    parent[:] = gathered


def _look(element: Element) -> tuple[tuple[str, str], ...] | None:
    """Return all attributes of a point but its own; None for what is no point."""
    if element.tag != "use":
        return None
    return tuple(sorted((key, value) for key, value in element.attrib.items() if key not in _OWN))
