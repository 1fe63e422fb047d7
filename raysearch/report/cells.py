"""Rows of a table as HTML. Not in a template, since a page on a thousand trials has tens of thousands of cells."""

from __future__ import annotations

import math
import re

from markupsafe import Markup, escape

from raysearch.report.document import Cell, Column, Table

_LONG = 20
_BRIEF = 24
_SHORT_NOTE = 36
_JOINTS = re.compile(r"(?<=[A-Za-z][._/])(?=\w)")
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")
"""What the page's script reads as a number by itself."""
_MARKS = {"": "{}", "best": "<strong>{}</strong>", "second": "<u>{}</u>"}


def rows(table: Table) -> Markup:
    """Print the rows; the first cell of each is its heading. A cell without a class is a number, as most are."""
    columns = table.columns
    lines = (
        "".join(_cell(cell, column, i == 0) for i, (cell, column) in enumerate(zip(row, columns, strict=True)))
        for row in table.rows
    )
    return Markup("\n".join(f"<tr>{line}</tr>" for line in lines))


def breakable(text: str) -> Markup:
    """Let a long name break after its dots and underscores, rather than anywhere."""
    return escape(text) if len(text) <= _LONG else Markup("<wbr>").join(_JOINTS.split(text))


def _cell(cell: Cell, column: Column, heading: bool) -> str:
    tag = 'th scope="row"' if heading else "td"
    brief = len(cell.line) <= _BRIEF and len(cell.note) <= _SHORT_NOTE
    look = "" if column.align == "number" else ' class="brief"' if brief else ' class="text"'
    inner = _marked(cell)
    if cell.beside is not None:
        inner += f"&nbsp;/ {_marked(cell.beside)}"
    if cell.note:
        inner += f"<small>{breakable(cell.note)}</small>"
    return f"<{tag}{look}{_sort(cell)}>{inner}</{tag[:2]}>"


def _sort(cell: Cell) -> str:
    """Print what the page's script sorts by, in its words for infinity; nothing where the cell reads as its number."""
    value = cell.sort
    if value is None or math.isnan(value) or (not cell.note and _PLAIN.fullmatch(cell.line) and float(cell.line) == value):
        return ""
    return f' data-sort="{f"{value:.7g}".replace("inf", "Infinity")}"'


def _marked(cell: Cell) -> str:
    text = breakable(cell.text)
    if cell.link:
        return f'<a href="{escape(cell.link)}">{text}</a>'
    return _MARKS.get(cell.mark, f'<span class="{cell.mark}">{{}}</span>').format(text)
