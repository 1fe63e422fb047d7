"""The page that lists all runs of a folder, with links to the reports that lie in it, and to nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from raysearch.errors import RaysearchError
from raysearch.report import plain
from raysearch.report.document import Cell, Column, Facts, Missing, Part, Section, Table
from raysearch.report.formats import NONE, plural
from raysearch.report.page import render
from raysearch.report.sections.overview import budget_cell, headline, status_cell, title_of, winner_cell
from raysearch.report.view import view
from raysearch.results.folder import RunFolder
from raysearch.results.run import open_run
from raysearch.train.atomic import write_atomically

_COLUMNS = (
    *(Column(title, align="text") for title in ("Run and study", "Status", "Winner")),
    Column("Headline [95\N{NO-BREAK SPACE}%]"),
    *(Column(title, align="text") for title in ("Budget", "Began")),
)
_SENTENCES = 12


@dataclass(frozen=True)
class _Entry:
    """A run: its row, when it began, and what could not be read of it."""

    row: tuple[Cell, ...]
    began: float
    problems: tuple[str, ...]


def write_index(root: Path, output: Path) -> Path:
    """Write the page; the newest run comes first.

    Args:
        root: the folder of all runs. They are read as `raysearch.results.run.open_run` reads them; a folder that is a link is
            listed, not followed.
        output: the file to write; reports are linked relative to it.

    Returns:
        ``output``.

    Raises:
        StorageError: the disk refuses.
    """
    found = sorted((_entry(path, output) for path in _folders(root)), key=lambda one: (-one.began, one.row[0].text))
    sections = [Section("runs", "All runs", (_table(found),))]
    wrong = tuple((one.row[0].text, one.problems) for one in found if one.problems)
    if wrong:
        sections.append(Section("problems", "What could not be read", (Facts("wrong", wrong),)))
    part = Part("all", "Runs", "index", "", "unknown", (), tuple(sections))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, render((), part).encode())
    return output


def _table(found: Sequence[_Entry]) -> Table | Missing:
    if not found:
        return Missing("There is no run in this folder.")
    notes = (
        "A run's name links to its report where there is one. Headline: the confirmed winner against the study's baseline on "
        "test photographs; without a confirmation the best validation value of the search, which is selected, so optimistic. "
        "Times are in UTC.",
    )
    caption = f"All runs in this folder, the newest first: {_counts(found)}."
    return Table("runs", caption, _COLUMNS, tuple(one.row for one in found), notes, sortable=True)


def _folders(root: Path) -> Iterator[Path]:
    """Find what looks like a run, whatever its name."""
    if root.is_dir():
        yield from (path for path in sorted(root.iterdir()) if path.is_dir() and RunFolder(path).is_run)


def _counts(found: Sequence[_Entry]) -> str:
    states = [one.row[1].text for one in found]
    return ", ".join([plural(len(found), "run"), *(f"{states.count(state)} {state}" for state in sorted(set(states)))])


def _entry(path: Path, output: Path) -> _Entry:
    name = plain.line(path.name, 80)
    if path.is_symlink():
        return _unread(name, "the folder is a link, which is not followed")
    try:
        run = view(open_run(path), path, "r1")
    except (RaysearchError, OSError) as error:
        return _unread(name, str(error))
    day, _, time = moment(run.record.began).partition(" ")
    row = (
        Cell(name, note=title_of(run), link=_link(RunFolder(path).report, output)),
        status_cell(run),
        winner_cell(run),
        headline(run),
        budget_cell(run),
        Cell(day, run.record.began, note=time),
    )
    missing = [plain.line(sentence, 300) for sentence in run.record.missing]
    more = len(missing) - _SENTENCES
    return _Entry(row, run.record.began, (*missing[:_SENTENCES], *((f"and {more} more",) if more > 0 else ())))


def _unread(name: str, why: str) -> _Entry:
    row = (Cell(name), Cell("not read", None, "bad"), *([Cell(NONE)] * 4))
    return _Entry(row, 0.0, (plain.line(why, 300),))


def _link(report: Path, output: Path) -> str:
    """Return the address of a report relative to the page; empty if there is none, or if it is no plain file."""
    try:
        if not stat.S_ISREG(report.lstat().st_mode):
            return ""
    except OSError:
        return ""
    relative = os.path.relpath(report.absolute(), output.absolute().parent)
    return "./" + "/".join(quote(part.encode(errors="surrogateescape"), safe="") for part in Path(relative).parts)


def moment(seconds: float) -> str:
    """Print a time in UTC, to the minute; a dash for none."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M") if seconds > 0 else NONE
    except (OverflowError, ValueError, OSError):
        return NONE
