"""What is wrong with a study: one `Finding` each, all shown at once.

A finding says where (``file:line:column``), which key, which value, what is wrong with it, and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from raysearch.errors import PreflightError, RaysearchError, SpecError

Path = tuple[str | int, ...]
"""Keys and positions from the top of a document to one of its nodes."""

Severity = Literal["spec", "preflight", "warning"]
"""spec: the file is wrong (exit code 2). preflight: the file is right, something is missing (3). warning: the study can run."""

MISSING: object = type("Missing", (), {"__repr__": lambda self: "(nothing)"})()
"""Stands for the value of a key that is not there."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        place: ``file:line:column``, or the option it came from.
        key: dotted path, empty for the whole document.
        value: what was given, shortened; empty when nothing was.
        reason: what is wrong with it, without the value.
        remedy: what to write instead or to provide.
        severity: see `Severity`.
    """

    place: str
    key: str
    value: str
    reason: str
    remedy: str
    severity: Severity = "spec"

    @property
    def cause(self) -> str:
        """Key, value and reason as one sentence."""
        key = self.key or "the file"
        return f"{key}: {self.reason}" if not self.value else f"{key} = {self.value}: {self.reason}"

    def __str__(self) -> str:
        return str(self.error())

    def error(self) -> RaysearchError:
        """Return the error that this finding alone would be."""
        kind = PreflightError if self.severity == "preflight" else SpecError
        return kind(self.cause, place=self.place, remedy=self.remedy)


def dotted(path: Path) -> str:
    """Write a path as ``trial.sampler.one_of.1.keep``."""
    return ".".join(str(part) for part in path)


def shown(value: object, limit: int = 60) -> str:
    """Write a value as YAML's flow style would, cut at ``limit`` characters; nothing for `MISSING`."""
    text = "" if value is MISSING else _flow(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _flow(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that ``name`` was probably meant to be."""
    have = sorted(set(choices))
    near = get_close_matches(name, have, n=1, cutoff=0.5)
    return near[0] if near else next((choice for choice in have if name and choice.startswith(name)), None)


def one_of_names(name: str, choices: Iterable[str]) -> str:
    """Write the remedy for a wrong name: the nearest one and all that there are."""
    near = nearest(name, choices)
    have = f"one of: {', '.join(sorted(set(choices)))}"
    return f"write {near!r} ({have})" if near else f"write {have}"


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by place, and of findings about one key that differ in numbers only keep the one that asks for most."""
    strictest: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        same = (finding.place, finding.key, re.sub(r"[0-9.]+", "#", finding.reason))
        known = strictest.get(same)
        if known is None or _demand(finding.remedy) > _demand(known.remedy):
            strictest[same] = finding
    return tuple(sorted(strictest.values(), key=lambda found: _order(found.place)))


def _demand(remedy: str) -> float:
    """Return how much a remedy asks for: its first number, or minus that where it is an upper limit."""
    number = re.search(r"[0-9]+(\.[0-9]+)?", remedy)
    sign = -1 if "at most" in remedy or "less than" in remedy else 1
    return sign * float(number.group()) if number else 0.0


def _order(place: str) -> tuple[str, int, int]:
    head, _, column = place.rpartition(":")
    file, _, line = head.rpartition(":")
    return (file, int(line), int(column)) if line.isdigit() and column.isdigit() else (place, 0, 0)


def refuse(findings: Iterable[Finding]) -> None:
    """Raise one error that carries every finding that is not a warning; do nothing if there is none.

    Raises:
        SpecError: at least one finding is a mistake in the file or an option.
        PreflightError: the file is right, but something that the study needs is missing.
    """
    wrong = [finding for finding in merged(findings) if finding.severity != "warning"]
    if not wrong:
        return
    if len(wrong) == 1:
        raise wrong[0].error()
    kind = SpecError if any(finding.severity == "spec" for finding in wrong) else PreflightError
    raise kind("\n\n".join([f"{len(wrong)} problems", *map(str, wrong)]))
