"""What was asked: the question, the space that was searched, and the values that papers report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from raysearch.report import plain
from raysearch.report.document import Block, Cell, Column, Missing, Prose, Section, Table
from raysearch.report.formats import NONE
from raysearch.report.view import View, leaf

_RANGES = ("int", "float")


@dataclass(frozen=True)
class Searched:
    """A domain of the search space, as text.

    Attributes:
        name: dotted, with the branch in between (``sampler.gradient.keep``).
        kind: ``integer``, ``real``, ``choice`` or ``branch``.
        range: what it can be.
        logarithmic: steps are ratios.
    """

    name: str
    kind: str
    range: str
    logarithmic: bool


def section(view: View) -> Section:
    """Write the section."""
    blocks: list[Block] = []
    question = plain.at(view.record.spec, "question")
    paragraphs = [plain.line(question, 1000)] if isinstance(question, str) and question.strip() else []
    paragraphs += _comment(view.record.space_text)
    if paragraphs:
        blocks.append(Prose(tuple(dict.fromkeys(paragraphs))))
    else:
        blocks.append(Missing("The study's file states no question."))
    blocks.append(_space(view))
    return Section("asked", "What was asked", tuple(blocks))


def domains(spec: Mapping[str, object]) -> tuple[Searched, ...]:
    """List what a study searches, from its resolved form; also finds domains that stand in lists."""
    found = _walk(plain.at(spec, "trial"), "", 30)
    return tuple({domain.name: domain for domain in found}.values())


def _walk(data: object, name: str, depth: int) -> Iterator[Searched]:
    if not isinstance(data, Mapping) or depth == 0:
        return
    for kind in _RANGES:
        if kind in data:
            yield Searched(name, {"int": "integer", "float": "real"}[kind], _range(data, kind), data.get("log") is True)
            return
    if "choice" in data:
        shown = ", ".join(leaf(item) for item in plain.items(data["choice"]))
        yield Searched(name, "choice", plain.line(shown, 200), False)
        return
    if "one_of" in data:
        yield from _branches(plain.items(data["one_of"]), name, depth)
        return
    for key, value in data.items():
        yield from _walk(value, f"{name}.{plain.line(key, 60)}" if name else plain.line(key, 60), depth - 1)


def _branches(branches: object, name: str, depth: int) -> Iterator[Searched]:
    labels: list[str] = []
    parts: list[tuple[str, object]] = []
    for branch in plain.items(branches):
        label = plain.line(plain.at(branch, "kind") or branch, 40)
        again = labels.count(label)
        labels.append(label)
        parts.append((f"{label}_{again + 1}" if again else label, branch))
    yield Searched(name, "branch", ", ".join(label for label, _ in parts), False)
    for label, branch in parts:
        yield from _walk(branch, f"{name}.{label}", depth - 1)


def _range(data: Mapping[str, object], kind: str) -> str:
    ends = plain.items(data[kind])
    text = " to ".join(leaf(end) for end in ends) if len(ends) == 2 else plain.line(data[kind], 80)
    if data.get("step") is not None:
        text += f" in steps of {leaf(data['step'])}"
    return f"{text}, logarithmic" if data.get("log") is True else text


def _comment(text: str) -> list[str]:
    """Return the paragraphs of the comment that a study's file opens with."""
    paragraphs: list[list[str]] = [[]]
    for row in text.splitlines():
        if not row.startswith("#"):
            break
        words = row.lstrip("#").strip()
        if words:
            paragraphs[-1].append(words)
        elif paragraphs[-1]:
            paragraphs.append([])
    return [plain.line(" ".join(rows), 1500) for rows in paragraphs if rows][:12]


def _space(view: View) -> Block:
    searched = domains(view.record.spec)
    best = view.best_search_trial()
    published = [
        (plain.line(plain.at(item, "source") or "published", 60), plain.mapping(plain.at(item, "values")))
        for item in plain.items(plain.at(view.record.spec, "published"))
    ][:6]
    names = [domain.name for domain in searched]
    names += sorted({name for trial in view.search for name in trial.values} - set(names))
    if not names:
        return Missing("The search space is not recorded: no domain in the study and no searched value in a trial.")
    known = {domain.name: domain for domain in searched}
    rows = []
    for name in names:
        domain = known.get(name, Searched(name, "not recorded", NONE, False))
        values = best.values if best else {}
        row = [Cell(plain.line(name, 80)), Cell(domain.kind), Cell(domain.range)]
        row += [Cell(leaf(values_of[name]) if name in values_of else NONE) for _, values_of in published]
        row.append(Cell(leaf(values[name]) if name in values else NONE))
        rows.append(tuple(row))
    columns = [Column("Parameter", align="text"), Column("Type", align="text"), Column("Searched", align="text")]
    columns += [Column(source, align="text") for source, _ in published]
    columns.append(Column(f"Best found (trial {best.number})" if best else "Best found", align="text"))
    notes = ["A parameter of a branch counts only where its branch is chosen; elsewhere it has a dash."]
    if published:
        notes.append("Published values were tried first; a value that the source does not state has a dash.")
    return Table("space", "The search space.", tuple(columns), tuple(rows), tuple(notes))
