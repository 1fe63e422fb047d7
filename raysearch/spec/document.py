"""A document: plain data that remembers where each part of it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raysearch.spec.findings import MISSING, Finding, Path, dotted, shown


@dataclass(frozen=True)
class Mark:
    """A place in a file, both counted from 1; line 0 when ``file`` is an option of the command line."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Document:
    """Plain data and the place of each part of it.

    Attributes:
        data: mappings with text keys, lists, and None, bool, int, float, str.
        marks: the place of every path; for an entry of a mapping that of its key.
        text: the file as it is.
        file: its name as messages show it.
    """

    data: object
    marks: Mapping[Path, Mark]
    text: str
    file: str

    def mark(self, path: Path) -> Mark:
        """Return the mark of ``path`` or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.marks:
                return self.marks[path[:length]]
        return Mark(self.file, 1, 1)

    def value(self, path: Path) -> object:
        """Return the value at ``path``; `MISSING` when there is none."""
        node: Any = self.data
        for part in path:
            inside = part in node if isinstance(node, dict) else isinstance(node, list) and part in range(len(node))
            if not inside:
                return MISSING
            node = node[part]
        return node

    def finding(self, path: Path, reason: str, remedy: str, *, value: object = MISSING) -> Finding:
        """Make a finding about ``path``."""
        return Finding(str(self.mark(path)), dotted(path), shown(value), reason, remedy)
