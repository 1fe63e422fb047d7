"""What goes from a report into a paper: every table as CSV and LaTeX, every figure as SVG and PDF with its numbers as CSV.

::

    paper.tex                                    a document with all of them, for a look
    tables/comparison.csv  tables/comparison.tex
    figures/curves.svg  figures/curves.pdf  figures/curves.csv

In the CSV files the numbers are as on the page, with an ASCII minus and without a dash for nothing; a cell's second line and its
mark have columns of their own. Made again from the same run, the files are the same to the byte.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from raysearch.report import latex
from raysearch.report.document import Cell, Column, Figure, Gallery, Part, Table
from raysearch.report.formats import MINUS, NONE
from raysearch.report.sheet import sheet
from raysearch.train.files import folder_name

_DANGEROUS = re.compile(r"[=+\-@\t\r]")
"""A spreadsheet takes a text that starts so for a formula and may run it."""
_NUMBER = re.compile(r"[+-]?[\d.,]+(e[+-]?\d+)?%?( [A-Za-z]+)?\**")


def write_paper(parts: Sequence[Part], folder: Path) -> tuple[Path, ...]:
    """Write the tables and figures of a report.

    Args:
        folder: made if it is missing; files of the same names are replaced, others stay. Several runs get a folder each in it.

    Returns:
        What was written.
    """
    several = len(parts) > 1
    return tuple(
        path for part in parts for path in _written(part, folder / f"{part.name}-{folder_name(part.run)}" if several else folder)
    )


def _written(part: Part, folder: Path) -> Iterator[Path]:
    tables, figures = [], []
    for block in (block for section in part.sections for block in section.blocks):
        if isinstance(block, Table):
            yield _put(folder / "tables" / f"{block.name}.csv", separated(block).encode())
            yield _put(folder / "tables" / f"{block.name}.tex", latex.table(block, block.name).encode())
            tables.append(f"tables/{block.name}")
        elif isinstance(block, Figure | Gallery):
            names = _names(block)
            drawn = [sheet(block)] if isinstance(block, Gallery) else [panel.files() for panel in block.panels]
            for name, forms in zip(names, drawn, strict=True):
                for form, data in forms.items():
                    yield _put(folder / "figures" / f"{name}.{form}", data)
            if isinstance(block, Figure):
                yield _put(folder / "figures" / f"{block.name}.csv", separated(block.data).encode())
            figures.append((block.name, block.caption, [f"figures/{name}.pdf" for name in names]))
    yield _put(folder / "paper.tex", latex.document(part.title, tables, figures).encode())


def _names(block: Figure | Gallery) -> list[str]:
    """Name a figure's files, without their ends: a number for each panel where there are several."""
    if isinstance(block, Gallery) or len(block.panels) == 1:
        return [block.name]
    return [f"{block.name}-{number}" for number in range(1, len(block.panels) + 1)]


def _put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def separated(table: Table) -> str:
    """Print a table as CSV, with columns for second lines and marks where there are any."""
    columns = [_spread(column, [row[i] for row in table.rows]) for i, column in enumerate(table.columns)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_harmless(title) for column in columns for title, _ in column])
    for i in range(len(table.rows)):
        writer.writerow([_harmless(texts[i]) for column in columns for _, texts in column])
    return buffer.getvalue()


def _spread(column: Column, cells: Sequence[Cell]) -> list[tuple[str, list[str]]]:
    """Return a column's titles with their texts: one for each half of its cells, for their marks and for their notes."""
    found: list[tuple[str, list[str]]] = []
    halves = [[cell for cell in (whole, whole.beside) if cell is not None] for whole in cells]
    for i in range(max(map(len, halves), default=1)):
        title = f"{column.whole} {column.parts[i]}" if i < len(column.parts) else column.whole
        shown = [half[i] if i < len(half) else Cell("") for half in halves]
        found.append((title, [_plain(cell.text) for cell in shown]))
        if any(cell.mark in ("best", "second") for cell in shown):
            found.append((f"{title}, mark", [cell.mark for cell in shown]))
    if any(cell.note for cell in cells):
        found.append((f"{column.whole}, note", [_plain(cell.note) for cell in cells]))
    return found


def _plain(text: str) -> str:
    return "" if text == NONE else text.replace(MINUS, "-").replace("\N{NO-BREAK SPACE}", " ").replace("∞", "inf")


def _harmless(text: str) -> str:
    return f"'{text}" if _DANGEROUS.match(text) and not _NUMBER.fullmatch(text) else text
