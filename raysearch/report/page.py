"""The page: sections of one or several runs, numbered, within a size, written as one file that asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from raysearch import __version__
from raysearch.errors import SpecError
from raysearch.report import plain
from raysearch.report.cells import breakable, rows
from raysearch.report.compare import answer
from raysearch.report.document import Block, Figure, Gallery, Missing, Part, Section, Table
from raysearch.report.paper import write_paper
from raysearch.report.sections import (
    asked,
    contrasts,
    diagnostics,
    failures,
    overview,
    papers,
    pictures,
    protocol,
    results,
    search,
    training,
)
from raysearch.report.sections.contrasts import EVERY
from raysearch.report.view import View, view
from raysearch.results.record import RunRecord
from raysearch.train.atomic import write_atomically

SECTIONS: tuple[Callable[[View], Section | None], ...] = (
    asked.section,
    results.section,
    papers.section,
    pictures.section,
    search.section,
    training.section,
    diagnostics.section,
    protocol.section,
    failures.section,
)
"""A run's part of the page, in this order; a section that has nothing to say is None."""

_CSP = "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
_LEFT_OUT = (
    "Left out to keep the page small; pictures go first from its end, tables and figures never (raise --max-mb to see them):"
)
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Live:
    """A page that is written again and again while its study runs, and loads itself again.

    Attributes:
        every: seconds between two loads.
        updated: the last event of the run, as text.
    """

    every: int
    updated: str


def write_report(
    records: Sequence[RunRecord],
    folders: Sequence[Path],
    output: Path,
    *,
    max_mb: float = 8.0,
    export: Path | None = None,
    by: Sequence[str] = (),
    live: Live | None = None,
) -> Path:
    """Write the report on one or several runs.

    The page is one HTML file: it opens from disk, makes no request, and is the same to the byte when made again from the same runs.
    Several runs are compared with the first one before each is reported on.

    Args:
        records: the runs, see `raysearch.results.run.open_run`.
        folders: where each of them lies; usage maps, sample images and importances are read from there.
        output: the file to write; what was there is replaced at once, or not at all.
        max_mb: size of the page in MB (1e6 bytes) above which pictures are left out, those of the last runs and sections first.
        export: a folder for the tables and figures as files, see `raysearch.report.paper`; none are written without it.
        by: settings of the trial whose values are compared in sections of their own, see `raysearch.report.sides.sides_by`.
        live: makes it a page that loads itself again.

    Returns:
        ``output``.

    Raises:
        SpecError: there is no run, or not one folder for each; or no trial has a setting that is to be compared.
        StorageError: the disk refuses.
    """
    if not records or len(records) != len(folders):
        raise SpecError(f"a report needs runs with one folder each, not {len(records)} runs and {len(folders)} folders")
    pairs = zip(records, folders, strict=True)
    views = [view(record, folder, f"r{number}") for number, (record, folder) in enumerate(pairs, 1)]
    parts = [part(run) for run in views]
    compared = [contrasts.by_setting(views, path, f"by-{number}") for number, path in enumerate(by, 1)]
    all_runs = together(views, compared) if len(views) > 1 else None
    if all_runs is None:
        parts = [replace(one, sections=_after_results(one.sections, compared)) for one in parts]
    text = _within(parts, int(max_mb * 1e6), all_runs, live)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, text.encode())
    if export is not None:
        write_paper(parts if all_runs is None else [all_runs, *parts], export)
    return output


def _after_results(sections: Sequence[Section], more: Sequence[Section]) -> tuple[Section, ...]:
    place = next((i for i, section in enumerate(sections, 1) if section.name == "results"), len(sections))
    return (*sections[:place], *more, *sections[place:])


def together(views: Sequence[View], compared: Sequence[Section]) -> Part:
    """Collect what there is to say about several runs before each of them."""
    sections = (overview.section(views), contrasts.of_runs(views), *compared)
    return Part(EVERY, f"{len(views)} studies", "comparison", "", "unknown", (), sections)


def part(run: View) -> Part:
    """Collect all there is to say about a run."""
    record = run.record
    text, verdict = answer(run)
    title = plain.at(record.spec, "title")
    missing = [plain.line(sentence, 500) for sentence in record.missing]
    if run.scores.problem:
        missing.append(f"{run.scores.problem[:1].upper()}{run.scores.problem[1:]}.")
    sections = tuple(one for write in SECTIONS if (one := write(run)) is not None)
    return Part(
        name=run.prefix,
        title=plain.line(title, 200) if isinstance(title, str) and title.strip() else plain.line(record.name, 200),
        run=plain.line(record.name, 100),
        answer=plain.line(text, 2000),
        verdict=verdict,
        missing=tuple(missing),
        sections=sections,
    )


def _within(parts: Sequence[Part], limit: int, all_runs: Part | None, live: Live | None) -> str:
    """Print the page; if it is larger than the limit, without galleries, the last first, until the others fit beside the rest."""
    whole = render(parts, all_runs, live)
    galleries = [block for one in parts for section in one.sections for block in section.blocks if isinstance(block, Gallery)]
    if not galleries or len(whole.encode()) <= limit:
        return whole
    rest = len(render(_map_galleries(parts, frozenset()), all_runs, live).encode())
    kept: set[int] = set()
    for gallery in galleries:
        size = gallery.bytes + 4000
        if rest + size > limit:
            break
        rest += size
        kept.add(id(gallery))
    return render(_map_galleries(parts, frozenset(kept)), all_runs, live)


def _map_galleries(parts: Sequence[Part], kept: frozenset[int]) -> list[Part]:
    def of(block: Block) -> Block:
        if isinstance(block, Gallery) and id(block) not in kept:
            return Missing(f"{_LEFT_OUT} {block.caption}")
        return block

    def section(one: Section) -> Section:
        return replace(one, blocks=tuple(of(block) for block in one.blocks))

    return [replace(one, sections=tuple(section(item) for item in one.sections)) for one in parts]


def render(parts: Sequence[Part], all_runs: Part | None = None, live: Live | None = None) -> str:
    """Print the parts as HTML.

    Args:
        all_runs: stands before them.
        live: see `Live`.
    """
    environment = Environment(
        loader=PackageLoader("raysearch.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = _asset("page.css"), _asset("page.js")
    whole = parts if all_runs is None else [all_runs, *parts]
    labels = _numbered(whole)
    text = environment.get_template("page.html.j2").render(
        parts=parts,
        together=all_runs,
        live=live,
        labels=labels,
        style=Markup(style),
        script=Markup(script),
        policy=_CSP.format(style=_hash(style), script=_hash(script)),
        data=Markup(_data(parts, all_runs)),
        trusted=Markup,
        breakable=breakable,
        rows=rows,
        version=__version__,
    )
    return _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _asset(name: str) -> str:
    return files("raysearch.report").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _numbered(parts: Sequence[Part]) -> dict[str, str]:
    """Number tables and figures through the page: id -> ``Table 3``."""
    labels: dict[str, str] = {}
    counts = {"Table": 0, "Figure": 0}
    for one in parts:
        for block in (block for section in one.sections for block in section.blocks):
            if isinstance(block, Table | Figure | Gallery):
                word = "Table" if isinstance(block, Table) else "Figure"
                counts[word] += 1
                labels[f"{one.name}-{block.name}"] = f"{word} {counts[word]}"
    return labels


def _data(parts: Sequence[Part], all_runs: Part | None) -> str:
    """Print the tables as JSON that is safe inside a script element, for programs that open the page."""
    data: dict[str, object] = {
        "generator": f"raysearch {__version__}",
        "runs": [{"run": one.run, "title": one.title, "answer": one.answer, "tables": _tables(one)} for one in parts],
    }
    if all_runs is not None:
        data["together"] = {"title": all_runs.title, "tables": _tables(all_runs)}
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _tables(one: Part) -> dict[str, object]:
    tables = [block for section in one.sections for block in section.blocks if isinstance(block, Table)]
    return {
        table.name: {
            "columns": [column.whole for column in table.columns],
            "rows": [[f"{cell.line}\n{cell.note}" if cell.note else cell.line for cell in row] for row in table.rows],
        }
        for table in tables
    }
