"""What a page is made of, before it has a form: sections of blocks, tables of cells, figures with the numbers behind them.

A section module writes these and nothing else, so that the same content can be printed as HTML here and in another form
(CSV, LaTeX) by another renderer. All text is plain text: escaping belongs to the renderer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from raysearch.report.svg import Drawing

Mark = Literal["", "best", "second", "muted", "bad"]


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: what is read.
        sort: what it is sorted by; the text itself where None.
        mark: ``best`` is printed bold, ``second`` underlined.
        note: a second, smaller line.
        beside: stands behind it after a stroke, with its own mark: an SSIM behind a PSNR.
        link: a relative address on this disk that the text leads to.
    """

    text: str
    sort: float | None = None
    mark: Mark = ""
    note: str = ""
    beside: Cell | None = None
    link: str = ""

    @property
    def line(self) -> str:
        """All of its first line."""
        return f"{self.text} / {self.beside.text}" if self.beside else self.text


@dataclass(frozen=True)
class Column:
    """A column: its title, the one that it shares with its neighbours, how it is aligned, and what the halves of its cells are."""

    title: str
    group: str = ""
    align: Literal["text", "number"] = "number"
    parts: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """Its title with the one that it shares."""
        return f"{self.group}: {self.title}" if self.group else self.title


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its heading.

    Attributes:
        name: unique within a run's part; letters, digits and hyphens.
        caption: what it shows, in sentences.
        notes: printed under it.
    """

    kind: ClassVar[str] = "table"
    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    sortable: bool = False

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Neighbouring columns of one group: its title and how many they are. Empty when no column has a group."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return tuple(found) if any(title for title, _ in found) else ()


@dataclass(frozen=True)
class Figure:
    """A figure of one or several panels, each made by `raysearch.report.svg.panel`, with its numbers as a table.

    ``small`` panels stand side by side even if there is only one.
    """

    kind: ClassVar[str] = "figure"
    name: str
    caption: str
    panels: tuple[Drawing, ...]
    data: Table
    small: bool = False


@dataclass(frozen=True)
class Picture:
    """A small picture.

    Attributes:
        uri: a ``data:`` address.
        width: in picture elements; likewise ``height``.
        alt: what is to be seen.
        label: printed under it.
        box: x, y, width, height of a frame drawn over it, in picture elements.
        sharp: enlarge by repeating picture elements.
    """

    uri: str
    width: int
    height: int
    alt: str
    label: str
    box: tuple[int, int, int, int] | None = None
    sharp: bool = True


@dataclass(frozen=True)
class Strip:
    """Pictures side by side, with what they show together; ``indent`` columns are left free before the first."""

    title: str
    pictures: tuple[Picture, ...]
    indent: int = 0


@dataclass(frozen=True)
class Gallery:
    """Pictures in strips; left out as a whole when the page would become too large.

    Attributes:
        scale: a colour bar, and in ``ends`` what stands at its ends.
    """

    kind: ClassVar[str] = "gallery"
    name: str
    caption: str
    strips: tuple[Strip, ...]
    scale: Picture | None = None
    ends: tuple[str, str] = ("", "")

    @property
    def bytes(self) -> int:
        """Size of its pictures on the page."""
        return sum(len(picture.uri) for strip in self.strips for picture in strip.pictures)


@dataclass(frozen=True)
class Prose:
    """Paragraphs."""

    kind: ClassVar[str] = "prose"
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Terms with what they are; several lines for one term where it has several."""

    kind: ClassVar[str] = "facts"
    name: str
    items: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Listing:
    """Preformatted text behind a summary line."""

    kind: ClassVar[str] = "listing"
    summary: str
    text: str


@dataclass(frozen=True)
class Missing:
    """Something that can't be shown, and why."""

    kind: ClassVar[str] = "missing"
    text: str


Block = Table | Figure | Gallery | Prose | Facts | Listing | Missing


@dataclass(frozen=True)
class Section:
    """A headed part of a run's report; a folded one shows its heading only until it is opened, or printed."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    folded: bool = False


@dataclass(frozen=True)
class Part:
    """All there is to say about one run.

    Attributes:
        name: unique on the page; letters, digits and hyphens.
        title: of the study.
        answer: one paragraph.
        verdict: what the answer amounts to.
        missing: what could not be read.
    """

    name: str
    title: str
    run: str
    answer: str
    verdict: Literal["yes", "no", "tie", "unknown"]
    missing: tuple[str, ...]
    sections: tuple[Section, ...]
