"""How a record of the journal looks: one line of compact JSON (no spaces, ASCII, no NaN or infinity).

``seq`` counts the records from 0. The last field, ``crc``, is the CRC-32, in eight hexadecimal digits, of the line's bytes
without that field ::

    {"seq":7,"event":"trial_retried","time":12.5,"trial":3,"attempt":1,"reason":"lost","crc":"0f3c9a11"}
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from raysearch.errors import RaysearchError
from raysearch.results.events import Event

RECORD_LIMIT = 8 * 2**20
"""Longest record, in bytes; a longer line is no record (bounds the memory of a reader)."""

_CRC = b',"crc":"'
_TAIL = len(_CRC) + 8 + len(b'"}')


@dataclass(frozen=True)
class Position:
    """A place between two records of a journal."""

    offset: int = 0
    """Bytes before it."""
    seq: int = 0
    """Records before it."""


def encode(event: Event, seq: int) -> bytes:
    """Print a record, newline included.

    Raises:
        RaysearchError: a number in the event is not finite, or the record is longer than `RECORD_LIMIT`.
    """
    data = {"seq": seq, "event": event.event} | event.model_dump()
    try:
        text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError) as error:
        place = next(_unfit("", data), "")
        raise RaysearchError(
            f"a {event.event} event can't be written to the journal: {error}",
            place=place,
            remedy="a trial with a value that is not finite ends as `diverged`, without that value",
        ) from error
    body = text.encode("ascii")
    line = body[:-1] + _CRC + b"%08x" % zlib.crc32(body) + b'"}\n'
    if len(line) > RECORD_LIMIT:
        raise RaysearchError(f"a {event.event} event has {len(line)} bytes; a journal record holds {RECORD_LIMIT} at most")
    return line


def _unfit(key: str, value: object) -> Iterator[str]:
    """Name the keys whose values JSON can't hold."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _unfit(f"{key}.{name}" if key else str(name), part)
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _unfit(f"{key}.{number}", part)
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield key
    elif not isinstance(value, int | str | None):
        yield key


def decode(line: bytes) -> dict[str, Any] | None:
    """Return the content of a complete, undamaged line; None for anything else. A line may end in CR LF."""
    if not line.endswith(b"\n"):
        return None
    text = line[:-2] if line.endswith(b"\r\n") else line[:-1]
    crc, body = text[-_TAIL:], text[:-_TAIL] + b"}"
    if crc != _CRC + b"%08x" % zlib.crc32(body) + b'"}':
        return None
    try:
        data = json.loads(body, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) and type(data.get("seq")) is int else None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
