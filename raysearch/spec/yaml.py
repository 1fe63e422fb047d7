"""A YAML 1.2 reader that knows where every value stands and trusts nothing.

Scalars follow the core schema of YAML 1.2: ``1e-4`` is a number, ``no``, ``on`` and ``12:30`` are text. ruamel.yaml's scanner
and parser (pure Python, no constructors) give events; the data is put together here from mappings with text keys, lists and
scalars. Tags, merge keys (``<<``), duplicate keys, directives, several documents, nesting deeper than 32, files over 1 MiB and
anchors that blow up are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from raysearch.errors import SpecError
from raysearch.spec.document import Document, Mark
from raysearch.spec.findings import MISSING, Finding, Path, dotted, refuse, shown

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 50_000
MAX_ALIASES = 100

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")


def read(file: File) -> Document:
    """Read a file.

    Raises:
        SpecError: it can't be read, or it is not what this reader accepts; all findings are in the message.
    """
    try:
        data = file.read_bytes()
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"the file is not UTF-8 text: {error.reason}", place=str(file), remedy="save it as UTF-8") from error
    except OSError as error:
        raise SpecError(
            f"the file can't be read: {error.strerror}", place=str(file), remedy="give the path of a YAML file"
        ) from error
    return parse(text, str(file))


def parse(text: str, file: str = "<text>") -> Document:
    """Read YAML text; ``file`` is the name that messages show.

    Raises:
        SpecError: it is not what this reader accepts; all findings are in the message.
    """
    if len(text.encode()) > MAX_BYTES:
        raise SpecError(f"the file is larger than {MAX_BYTES >> 20} MiB", place=file, remedy="a study is a short text: split it")
    reader = _Reader(file)
    try:
        data = reader.document(_events(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise SpecError(
            f"not YAML: {error.problem or error.context}", place=place, remedy="correct the syntax here or just above"
        ) from error
    except YAMLError as error:
        raise SpecError(f"not YAML: {' '.join(str(error).split())}", place=file, remedy="save it as plain UTF-8 text") from error
    refuse(reader.findings)
    return Document(data, reader.marks, text, file)


def parse_value(text: str, option: str) -> object:
    """Read the value of an option such as ``--set a.b=VALUE``: a scalar or a flow collection.

    Raises:
        SpecError: it is not YAML; the place is the option.
    """
    try:
        return parse(text, option).data if text.strip() else None
    except SpecError as error:
        raise SpecError(error.cause, place=option, remedy="write a YAML value, e.g. 1e-4, [1, 2] or {kind: uniform}") from error


def _events(text: str) -> Iterator[Any]:
    events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
    return events


@dataclass
class _Anchor:
    path: Path
    value: object
    nodes: int
    depth: int


class _Stop(Exception):
    """Reading on makes no sense; the finding is recorded."""


@dataclass
class _Reader:
    """Puts data together from events and notes what it refuses."""

    file: str
    marks: dict[Path, Mark] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    anchors: dict[str, _Anchor] = field(default_factory=dict)
    nodes: int = 0
    aliases: int = 0
    deepest: int = 0

    def document(self, events: Iterator[Any]) -> object:
        try:
            return self._document(events)
        except _Stop:
            return None

    def _document(self, events: Iterator[Any]) -> object:
        next(events)
        start = next(events)
        if isinstance(start, StreamEndEvent):
            self._stop((), start, "the file is empty", "write a study; `raysearch init` makes a commented one")
        if isinstance(start, DocumentStartEvent) and (start.version or start.tags):
            self._note((), start, "directives (%YAML, %TAG) are not accepted", "delete the line; the file is YAML 1.2 always")
        data = self._node(next(events), events, (), 0)
        next(events)
        if not isinstance(extra := next(events), StreamEndEvent):
            self._note((), extra, "the file holds a second document", "delete the line '---' or use two files")
        return data

    def _node(self, event: Any, events: Iterator[Any], path: Path, depth: int) -> object:
        """Build the node that starts with ``event``."""
        self._count(event, path, depth)
        self.marks.setdefault(path, self._mark(event))
        if isinstance(event, AliasEvent):
            return self._alias(event, path, depth)
        if event.ctag is not None:
            self._note(path, event, f"the tag {event.ctag} is not accepted", "delete it: values have the type that they look like")
        before, outer, self.deepest = self.nodes - 1, self.deepest, depth
        value: object
        if isinstance(event, MappingStartEvent):
            value = self._mapping(events, path, depth)
        elif isinstance(event, SequenceStartEvent):
            value = self._sequence(events, path, depth)
        else:
            value = self._scalar(event, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchor(path, value, self.nodes - before, self.deepest - depth)
        self.deepest = max(outer, self.deepest)
        return value

    def _mapping(self, events: Iterator[Any], path: Path, depth: int) -> dict[str, object]:
        result: dict[str, object] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            key = self._key(event, events, path, depth)
            inner = (*path, key)
            if key in result:
                line = self.marks[inner].line
                self._note(inner, event, f"the key stands twice; it is already on line {line}", "delete one of the two")
            elif key == "<<" and event.style is None:
                self._note(inner, event, "merge keys are not accepted", "write the keys out, or use profiles")
            self.marks.setdefault(inner, self._mark(event))
            result[key] = self._node(next(events), events, inner, depth + 1)
        return result

    def _key(self, event: Any, events: Iterator[Any], path: Path, depth: int) -> str:
        if isinstance(event, ScalarEvent):
            plain = self._scalar(event, path) if event.ctag is None else event.value
            if isinstance(plain, str):
                return plain
            self._note((*path, event.value), event, "a key must be text", f'write it in quotes: "{event.value}"')
            return str(event.value)
        self._note(path, event, "a key must be text, not a collection", "write a plain key")
        self._node(event, events, (*path, "?"), depth + 1)
        return "?"

    def _sequence(self, events: Iterator[Any], path: Path, depth: int) -> list[object]:
        result: list[object] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            result.append(self._node(event, events, (*path, len(result)), depth + 1))
        return result

    def _scalar(self, event: Any, path: Path) -> object:
        text: str = event.value
        if event.style is not None:
            return text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.match(text):
            return self._integer(event, path, text)
        if _NOT_FINITE.match(text) or (_FLOAT.match(text) and abs(float(text)) == float("inf")):
            self._note(path, event, "the number is not finite", "write a finite number, or null where that means no limit")
            return 0.0
        return float(text) if _FLOAT.match(text) else text

    def _integer(self, event: Any, path: Path, text: str) -> int:
        if len(text) > 20 or abs(value := int(text, 0) if text[:2] in ("0o", "0x") else int(text)) >= 2**63:
            self._note(path, event, "the number does not fit into 64 bits", "write a smaller number")
            return 0
        return value

    def _alias(self, event: Any, path: Path, depth: int) -> object:
        anchor = self.anchors.get(event.anchor)
        if anchor is None:
            self._stop(
                path, event, f"*{event.anchor} stands for no finished value", f"write &{event.anchor} before the value, above"
            )
            return None
        self.aliases += 1
        self.nodes += anchor.nodes - 1
        self.deepest = max(self.deepest, depth + anchor.depth)
        self._count(event, path, depth + anchor.depth, nodes=0)
        if self.aliases > MAX_ALIASES:
            self._stop(path, event, f"more than {MAX_ALIASES} aliases", "write the values out")
        for known, mark in list(self.marks.items()):
            if known[: len(anchor.path)] == anchor.path and len(known) > len(anchor.path):
                self.marks.setdefault(path + known[len(anchor.path) :], mark)
        return _copied(anchor.value)

    def _count(self, event: Any, path: Path, depth: int, nodes: int = 1) -> None:
        self.nodes += nodes
        self.deepest = max(self.deepest, depth)
        if depth > MAX_DEPTH:
            self._stop(path[:3], event, f"nested deeper than {MAX_DEPTH} levels", "flatten the file")
        if self.nodes > MAX_NODES:
            self._stop(path[:3], event, f"more than {MAX_NODES} values, aliases written out", "use fewer aliases or a smaller file")

    def _mark(self, event: Any) -> Mark:
        return Mark(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _note(self, path: Path, event: Any, reason: str, remedy: str) -> None:
        value = event.value if isinstance(event, ScalarEvent) and path and path[-1] != event.value else MISSING
        self.findings.append(Finding(str(self._mark(event)), dotted(path), shown(value), reason, remedy))

    def _stop(self, path: Path, event: Any, reason: str, remedy: str) -> None:
        self._note(path, event, reason, remedy)
        raise _Stop


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value
