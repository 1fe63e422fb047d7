"""Prints plain data as YAML 1.2 that reads back equal: ``resolved.yaml`` and the configuration that ``raysearch best`` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from raysearch.errors import RaysearchError

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_LINE_WIDTH = 100


def to_yaml(data: object) -> str:
    """Print mappings with text keys, lists, and scalars; texts stand in double quotes, so nothing can be mistaken.

    Raises:
        RaysearchError: the data holds something else, or a number that is not finite.
    """
    return "\n".join(_block(data, "")) + "\n"


def _block(value: object, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _entry(f"{indent}{_key(key)}:", part, indent + "  ")
    elif isinstance(value, list | tuple) and value:
        for part in value:
            yield from _entry(f"{indent}-", part, indent + "  ")
    else:
        yield indent + _flow(value)


def _entry(head: str, value: object, indent: str) -> Iterator[str]:
    short = _short(value)
    if short is not None and len(head) + len(short) < _LINE_WIDTH:
        yield f"{head} {short}"
    elif isinstance(value, Mapping | list | tuple) and value:
        yield head
        yield from _block(value, indent)
    else:
        yield f"{head} {_flow(value)}"


def _short(value: object) -> str | None:
    """Print a scalar, or a list of scalars, in one line; None for anything else."""
    if isinstance(value, list | tuple):
        return None if any(isinstance(part, Mapping | list | tuple) for part in value) else f"[{', '.join(map(_flow, value))}]"
    return None if isinstance(value, Mapping) and value else _flow(value)


def _flow(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping | Sequence) and not value:
        return "{}" if isinstance(value, Mapping) else "[]"
    if value is None or isinstance(value, bool | int | float):
        try:
            return json.dumps(value, allow_nan=False)
        except ValueError as error:
            raise RaysearchError(f"{value} can't be written as YAML: it is not finite") from error
    raise RaysearchError(f"{value!r} can't be written as YAML: it is a {type(value).__name__}")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise RaysearchError(f"the key {key!r} can't be written as YAML: it is no text")
    return key if _PLAIN_KEY.match(key) and key.lower() not in _WORDS else _quoted(key)


def _quoted(text: str) -> str:
    """Quote a text; letters that no editor shows are escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escaped(ord(letter)) for letter in quoted)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
