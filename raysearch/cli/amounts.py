"""Amounts on the command line: ``+20`` is twenty more, ``20`` is twenty in all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from raysearch.search.orders import Amount

_NUMBER = re.compile(r"\d+(\.\d*)?")
_DURATION = re.compile(r"(?:(?P<hours>\d+(?:\.\d*)?)h)?(?:(?P<minutes>\d+(?:\.\d*)?)m)?")


def whole(ctx: click.Context, param: click.Parameter, text: str | None) -> Amount | None:
    """Parse a whole number, as the callback of an option."""
    value = int(text.removeprefix("+")) if text and text.removeprefix("+").isdecimal() else 0
    return _amount(text, value, "+20 for 20 more, or 20 for 20 in all")


def number(ctx: click.Context, param: click.Parameter, text: str | None) -> Amount | None:
    """Parse a number, as the callback of an option."""
    plain = (text or "").removeprefix("+")
    return _amount(text, float(plain) if _NUMBER.fullmatch(plain) else 0.0, "+20 for 20 more, or 20 for 20 in all")


def duration(ctx: click.Context, param: click.Parameter, text: str | None) -> Amount | None:
    """Parse hours and minutes as minutes, as the callback of an option; a bare number is hours."""
    plain = (text or "").removeprefix("+")
    parts = _DURATION.fullmatch(plain)
    if _NUMBER.fullmatch(plain):
        minutes = 60 * float(plain)
    else:
        minutes = 0.0 if parts is None else 60 * float(parts["hours"] or 0) + float(parts["minutes"] or 0)
    return _amount(text, minutes, "+4h, +90m or +1h30m for so much more, or 4h for four hours in all")


def _amount(text: str | None, value: float, example: str) -> Amount | None:
    from raysearch.search.orders import Amount

    if text is None:
        return None
    if value <= 0:
        raise click.BadParameter(f"{text!r} is no amount: write {example}")
    return Amount(value, text.startswith("+"))
