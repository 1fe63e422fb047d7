"""Validation errors in plain words: pydantic's say what a type is, these say what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from raysearch.component import Config, Kind, find, names
from raysearch.errors import SpecError
from raysearch.spec.domain_syntax import Fault
from raysearch.spec.findings import MISSING, Path, one_of_names

UNKNOWN_KEY = "unknown key"
"""The reason of a key that does not exist."""

_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "below"),
}
_NEEDED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_YES_NO = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}


def explain(error: ValidationError, root: type[Config], data: object) -> list[Fault]:
    """Say what is wrong with ``data``, which was validated as ``root``: places, reasons and remedies."""
    return _without_alternatives([_explained(item, path, root, data) for path, item in _flat((), error.errors(), data)])


def _flat(prefix: Path, errors: list[Any], data: object) -> Iterator[tuple[Path, Any]]:
    for item in errors:
        path = _real(prefix + tuple(item["loc"]), data)
        nested = item.get("ctx", {}).get("nested")
        if nested is None:
            yield path, item
        else:
            yield from _flat(path, nested, data)


def _real(path: Path, data: object) -> Path:
    """Drop what pydantic adds to a path: the names of a union's alternatives. A missing key stays at the end."""
    node: Any = data
    real: Path = ()
    for i, part in enumerate(path):
        inside = part in node if isinstance(node, Mapping) else isinstance(node, list) and part in range(len(node))
        if inside:
            node, real = node[part], (*real, part)
        elif i == len(path) - 1 and isinstance(node, Mapping) and isinstance(part, str) and part.isidentifier():
            real = (*real, part)
    return real


def _without_alternatives(faults: list[Fault]) -> list[Fault]:
    """Of the complaints of a union's alternatives keep the ones that go deepest, and one for each place."""
    kept: dict[Path, Fault] = {}
    for fault in faults:
        deeper = any(len(other.path) > len(fault.path) and other.path[: len(fault.path)] == fault.path for other in faults)
        if not deeper:
            kept.setdefault(fault.path, fault)
    return list(kept.values())


def _explained(item: Any, path: Path, root: type[Config], data: object) -> Fault:
    kind, value, context = item["type"], item.get("input", MISSING), item.get("ctx", {})
    if kind == "domain":
        return Fault(path, value, item["msg"], context["remedy"])
    if kind == "component":
        return _component(path, value, context, root, data)
    if kind == "extra_forbidden":
        return Fault(path, value, UNKNOWN_KEY, one_of_names(str(path[-1]), fields_at(root, data, path[:-1])))
    if kind == "missing":
        return Fault(path, MISSING, "is missing", f"add {path[-1]}: ...")
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'|(-?[0-9]+)", context["expected"])
        return Fault(path, value, "no such choice", one_of_names(str(value), [text or number for text, number in choices]))
    if kind in _BOUNDS:
        limit, words = _BOUNDS[kind]
        return Fault(path, value, f"must be {words} {context[limit]:g}", f"write a value {words} {context[limit]:g}")
    if kind in _NEEDED:
        return _mistyped(path, value, _NEEDED[kind])
    if kind == "value_error":
        return Fault(path, value, item["msg"].removeprefix("Value error, "), "correct the value")
    if kind == "string_pattern_mismatch":
        return Fault(path, value, f"must match {context['pattern']}", "use letters, digits, '.', '_' and '-'")
    return Fault(path, value, item["msg"].replace("Input should", "must"), "correct the value")


def _mistyped(path: Path, value: object, needed: str) -> Fault:
    if isinstance(value, str) and needed in ("a number", "a whole number"):
        try:
            number = float(value)
        except ValueError:
            return Fault(path, value, f"is text, and must be {needed}", f"write {needed}")
        right = value if needed == "a number" or number != int(number) else str(int(number))
        return Fault(path, value, f"is text, and must be {needed}", f"remove the quotes: {right}")
    if isinstance(value, str) and needed == "true or false":
        right = _YES_NO.get(value.lower(), "true or false")
        return Fault(path, value, "is text, and must be true or false", f"write {right}")
    if isinstance(value, float) and needed == "a whole number":
        return Fault(path, value, "must be a whole number", f"write {round(value)}")
    if isinstance(value, bool | int | float) and needed == "text":
        return Fault(path, value, "is no text", f'write it in quotes: "{value}"')
    if value is None:
        return Fault(path, value, f"must be {needed}, and nothing stands here", f"write {needed} or delete the key")
    return Fault(path, value, f"must be {needed}", f"write {needed}")


def _component(path: Path, value: object, context: Mapping[str, Any], root: type[Config], data: object) -> Fault:
    marker = _kind_at(root, data, path)
    choices = names(marker.package) if marker else []
    if "cause" not in context:
        return Fault(path, value, "must be a mapping with a kind, or the name of one", f"write kind: {' | '.join(choices)}")
    kind = value.get("kind") if isinstance(value, Mapping) else value
    place = (*path, "kind") if isinstance(value, Mapping) else path
    if marker is None or kind in choices or "." in str(kind):
        cause, _, remedy = str(context["cause"]).partition("\n  fix: ")
        return Fault(place, kind, cause, remedy or "correct the component")
    return Fault(place, kind, f"no file {marker.package.replace('.', '/')}/{kind}.py", one_of_names(str(kind), choices))


def fields_at(root: type[Config], data: object, path: Path) -> list[str]:
    """Return the keys that the config at ``path`` has; none when it can't be told."""
    config = _config_at(root, data, path)
    return [] if config is None else list(config.model_fields)


def _config_at(root: type[Config], data: object, path: Path) -> type[Config] | None:
    config: type[Config] | None = root
    node: Any = data
    for part in path:
        inside = part in node if isinstance(node, Mapping) else isinstance(node, list)
        node = node[part] if inside else None
        if isinstance(part, int):
            continue  # an element has the type that its list says
        info = config.model_fields.get(part) if config is not None else None
        if info is None:
            return None
        marker = _marker(info.annotation, info.metadata)
        config = _inner(info.annotation) if marker is None else _found(marker, node)
    return config


def _kind_at(root: type[Config], data: object, path: Path) -> Kind | None:
    parent = _config_at(root, data, path[:-1])
    info = parent.model_fields.get(str(path[-1])) if parent is not None and path else None
    return None if info is None else _marker(info.annotation, info.metadata)


def _marker(annotation: object, metadata: object) -> Kind | None:
    """Find the `Kind` of a field, also inside ``X | None``."""
    for item in [*(metadata if isinstance(metadata, list | tuple) else ()), *getattr(annotation, "__metadata__", ())]:
        if isinstance(item, Kind):
            return item
    return next((marker for inner in get_args(annotation) if (marker := _marker(inner, ()))), None)


def _inner(annotation: object) -> type[Config] | None:
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return annotation
    return next((config for inner in get_args(annotation) if (config := _inner(inner))), None)


def _found(marker: Kind, node: object) -> type[Config] | None:
    kind = node.get("kind") if isinstance(node, Mapping) else node
    try:
        return find(marker.package, str(kind))
    except SpecError:
        return None
