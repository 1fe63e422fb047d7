"""Profiles and ``--set``: one document laid over another, every part remembering where it came from.

The rule, for a profile and for ``--set`` alike:

- a mapping over a mapping is merged key by key;
- anything else replaces what was there, whole: a scalar, a list, null, a domain, and a mapping that names another ``kind``;
- what replaces a domain replaces all of it.
"""

from __future__ import annotations

from dataclasses import replace

from raysearch.errors import SpecError
from raysearch.spec.document import Document, Mark
from raysearch.spec.domains import is_domain
from raysearch.spec.findings import MISSING, Path, one_of_names, shown
from raysearch.spec.yaml import parse_value


def with_profile(document: Document, profile: str | None) -> Document:
    """Take ``profiles`` out of a study and lay the chosen one over the rest.

    Raises:
        SpecError: there is no such profile, or profiles are not mappings.
    """
    if not isinstance(document.data, dict) or "profiles" not in document.data:
        if profile is not None:
            raise SpecError(f"--profile {profile}: the file has no profiles", place=document.file, remedy="leave the option out")
        return document
    profiles = document.data["profiles"]
    place = str(document.mark(("profiles",)))
    if not isinstance(profiles, dict) or not all(isinstance(part, dict) for part in profiles.values()):
        raise SpecError("profiles: each profile must be a mapping", place=place, remedy="write profiles: {name: {key: value}}")
    base = {key: value for key, value in document.data.items() if key != "profiles"}
    marks = {path: mark for path, mark in document.marks.items() if path[:1] != ("profiles",)}
    plain = replace(document, data=base, marks=marks)
    if profile is None:
        return plain
    if profile not in profiles:
        raise SpecError(f"--profile {profile}: no such profile", place=place, remedy=one_of_names(profile, profiles))
    over = _below(document, ("profiles", profile))
    return _overlaid(plain, over)


def with_setting(document: Document, setting: str) -> Document:
    """Lay ``a.b.c=VALUE`` over a study; numbers in the path are positions in lists.

    Raises:
        SpecError: the setting has no ``=``, or its path leads into something that has no such part.
    """
    option = f"--set {setting}"
    name, equals, text = setting.partition("=")
    keys = name.strip().split(".")
    if not equals or not all(keys):
        raise SpecError(f"{option}: not of the form a.b=value", remedy="write --set trial.batch=8")
    mark = Mark(option, 0, 0)
    path, kind = _walked(document, keys, mark)
    start = max((i + 1 for i, part in enumerate(path) if isinstance(part, int)), default=0)
    over = _nested(path[start:], parse_value(text, option), kind, mark)
    return _inserted(document, path[:start], _overlaid(_below(document, path[:start]), over))


def _walked(document: Document, keys: list[str], mark: Mark) -> tuple[Path, str | None]:
    """Turn the keys of a setting into a path; with the kind that a bare name on the way stands for (``sampler: uniform``)."""
    path: Path = ()
    for i, key in enumerate(keys):
        node, where = document.value(path), ".".join(keys[:i])
        if isinstance(node, list):
            if not key.isdecimal() or int(key) >= len(node):
                remedy = f"use a position from 0 to {len(node) - 1}" if node else f"set {where} itself"
                raise SpecError(f"{mark.file}: the list {where} has no part {key}", place=mark.file, remedy=remedy)
            path = (*path, int(key))
        elif isinstance(node, dict) and is_domain(node) and key not in node and key != "kind":
            remedy = f"replace it whole, --set '{where}={{...}}', or name the part of it, e.g. {where}.{next(iter(node))}.0"
            raise SpecError(f"{mark.file}: {where} is a domain and has no {key}", place=mark.file, remedy=remedy)
        elif isinstance(node, str) and len(keys) - i == 1:
            return (*path, key), node
        elif node is None or node is MISSING or isinstance(node, dict):
            path = (*path, key)
        else:
            raise SpecError(f"{mark.file}: {where} = {shown(node)} has no parts", place=mark.file, remedy=f"set {where} itself")
    return path, None


def _nested(path: Path, value: object, kind: str | None, mark: Mark) -> Document:
    """Return ``{a: {b: value}}`` for the path (a, b), all of it with one mark."""
    marks = {path[:length]: mark for length in range(len(path) + 1)}
    for i, key in enumerate(reversed(path)):
        value = {"kind": kind, key: value} if i == 0 and kind is not None else {key: value}
    return Document(value, marks, "", mark.file)


def _inserted(document: Document, path: Path, part: Document) -> Document:
    marks = {known: mark for known, mark in document.marks.items() if known[: len(path)] != path}
    marks.update({path + known: mark for known, mark in part.marks.items()})
    return replace(document, data=_replaced(document.data, path, part.data), marks=marks)


def _replaced(node: object, path: Path, value: object) -> object:
    if not path:
        return value
    if isinstance(node, list):
        return [_replaced(inner, path[1:], value) if i == path[0] else inner for i, inner in enumerate(node)]
    if isinstance(node, dict):
        return {key: _replaced(inner, path[1:], value) if key == path[0] else inner for key, inner in node.items()}
    raise TypeError(f"no part {path[0]} in {node!r}")


def _below(document: Document, path: Path) -> Document:
    """Return the part of a document at ``path`` as a document."""
    marks = {known[len(path) :]: mark for known, mark in document.marks.items() if known[: len(path)] == path}
    return replace(document, data=document.value(path), marks=marks)


def _overlaid(base: Document, over: Document) -> Document:
    marks = dict(base.marks)
    _merge_marks(base.data, over, (), marks)
    return replace(base, data=_merged(base.data, over.data), marks=marks)


def _merge_marks(base: object, over: Document, path: Path, marks: dict[Path, Mark]) -> None:
    node = over.value(path)
    if isinstance(base, dict) and isinstance(node, dict) and _merges(base, node):
        for key in node:
            _merge_marks(base.get(key), over, (*path, key), marks)
        return
    for known in [known for known in marks if known[: len(path)] == path]:
        del marks[known]
    marks.update({known: mark for known, mark in over.marks.items() if known[: len(path)] == path})


def _merged(base: object, over: object) -> object:
    if not (isinstance(base, dict) and isinstance(over, dict) and _merges(base, over)):
        return over
    return {**base, **{key: _merged(base[key], value) if key in base else value for key, value in over.items()}}


def _merges(base: dict[str, object], over: dict[str, object]) -> bool:
    """Whether two mappings are merged: neither is a domain, and the upper one names no other kind."""
    return not is_domain(base) and not is_domain(over) and ("kind" not in over or over["kind"] == base.get("kind"))
