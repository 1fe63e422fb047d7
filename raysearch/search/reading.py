"""Which places of a configuration a training looks at: a searched value that nothing reads can't change anything.

What is noted is that a field of a kind of config was read, by whatever object of that kind: configs are copied on their way. A
value that is read and then has no effect (a loss of weight 0, a threshold that is never reached) is not found this way; see
`raysearch.results.notices` for what else is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from raysearch.component import Config

Read = set[tuple[type, str]]
"""Kinds of configs, each with a field that was read."""


@contextmanager
def noting_reads() -> Iterator[Read]:
    """Note every field of a config that is read in this process while the context is open."""
    read: Read = set()

    def noting(config: Config, name: str) -> Any:
        read.add((type(config), name))
        return object.__getattribute__(config, name)

    Config.__getattribute__ = noting  # type: ignore[method-assign, assignment]
    try:
        yield read
    finally:
        del Config.__getattribute__


def unread(config: Config, places: Iterable[str], read: Read) -> tuple[str, ...]:
    """Return those of some places of a configuration, as dotted paths, that were not read.

    A place that is no field of a config (inside a mapping, or gone) counts as read, and so does a kind, by which a component was
    found; a place inside a list counts as the list.
    """
    return tuple(place for place in places if (field := _field(config, place)) is not None and field not in read)


def _field(config: Config, place: str) -> tuple[type, str] | None:
    if place.rpartition(".")[2] == "kind":
        return None
    node: object = config
    found: tuple[type, str] | None = None
    for part in place.split("."):
        if isinstance(node, Config) and part in type(node).model_fields:
            found, node = (type(node), part), node.__dict__[part]
        elif isinstance(node, list | tuple) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            return None
    return found
