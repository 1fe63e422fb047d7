"""Reading plain data that nobody has checked: a resolved study, an environment, a trial's configuration.

A report opens runs of strangers and of crashed drivers, so nothing in here raises: what is absent or odd comes back as None or
as empty, and the caller says so on the page.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

_CUT = "…"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def line(value: object, limit: int = 300) -> str:
    """Return ``value`` as one readable line of at most ``limit`` characters.

    Control characters, lone surrogates and direction marks (which could make a text look like another) become U+FFFD.
    """
    return " ".join(block(value, 4 * limit).split())[:limit] + (_CUT if len(str_of(value)) > limit else "")


def block(value: object, limit: int = 100_000) -> str:
    """Return ``value`` as text that keeps its line ends, of at most ``limit`` characters, without control characters."""
    whole = str_of(value)
    text = "".join(_visible(character) for character in whole[:limit].replace("\r\n", "\n"))
    return text + (f"\n{_CUT}" if len(whole) > limit else "")


def _visible(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _INVISIBLE:
        return character
    return "\N{REPLACEMENT CHARACTER}"


def str_of(value: object) -> str:
    """Return text as it is, and anything else as compact JSON or, where JSON has no form for it, as Python prints it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__


def mapping(value: object) -> Mapping[str, object]:
    """Return ``value`` if it is a mapping, else an empty one; keys become text."""
    return {str_of(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[object]:
    """Return ``value`` if it is a list or tuple, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def number(value: object) -> float | None:
    """Return ``value`` as a finite float, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def at(data: object, path: str) -> object:
    """Follow a dotted path through mappings; None where it ends early."""
    for key in path.split("."):
        if not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return data


def leaves(data: object, prefix: str = "", depth: int = 20) -> Iterator[tuple[str, object]]:
    """Walk nested mappings; yields dotted paths with what is no mapping. Lists are leaves."""
    if isinstance(data, Mapping) and depth > 0:
        for key, value in data.items():
            yield from leaves(value, f"{prefix}.{str_of(key)}" if prefix else str_of(key), depth - 1)
    else:
        yield prefix, data
