"""What was asked: the question, the space that was searched, and the values that papers report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from raysearch.report import plain
from raysearch.report.document import Block, Cell, Column, Missing, Prose, Section, Table
from raysearch.report.formats import NONE
from raysearch.report.names import leaf
from raysearch.report.view import View

_RANGES = ("int", "float")
_LISTS = ("choice", "ordered")
_PUBLISHED = 30


@dataclass(frozen=True)
class Searched:
    """A domain of the search space, as text.

    Attributes:
        name: dotted, with the branch in between (``sampler.gradient.keep``).
        kind: ``integer``, ``real``, ``choice``, ``ordered``, ``power of two``, ``group`` or ``branch``.
        range: what it can be; of a group the leaves that vary together.
        logarithmic: steps are ratios.
        options: the values of a list in its order, as text; empty for anything else.
    """

    name: str
    kind: str
    range: str
    logarithmic: bool
    options: tuple[str, ...] = ()


def section(view: View) -> Section:
    """Write the section."""
    blocks: list[Block] = []
    paragraphs = _stated(view)
    if paragraphs:
        blocks.append(Prose(tuple(paragraphs)))
    else:
        blocks.append(Missing("The study's file states no question."))
    blocks.append(_space(view))
    published = _published(view)
    if published is not None:
        blocks.append(published)
    return Section("asked", "What was asked", tuple(blocks))


def _stated(view: View) -> list[str]:
    """Return the question and the notes, each once; without a question, what the study's file opens with.

    A comment beside a question repeats it, or says how to start the study: it stands in the listing of the file only.
    """
    question, notes = plain.at(view.record.spec, "question"), plain.at(view.record.spec, "notes")
    asked = [plain.line(question, 1000)] if isinstance(question, str) and question.strip() else _comment(view.record.space_text)
    noted = [plain.line(notes, 3000)] if isinstance(notes, str) and notes.strip() else []
    return list(dict.fromkeys([*asked, *noted]))


def domains(spec: Mapping[str, object]) -> tuple[Searched, ...]:
    """List what a study searches, from its resolved form; also finds domains that stand in lists."""
    found: dict[str, Searched] = {}
    for domain in _walk(plain.at(spec, "trial"), "", 30):
        earlier = found.get(domain.name)
        together = earlier is not None and domain.kind == earlier.kind == "group"
        found[domain.name] = replace(domain, range=f"{earlier.range}, {domain.range}") if together and earlier else domain
    return tuple(found.values())


def _walk(data: object, name: str, depth: int) -> Iterator[Searched]:
    if not isinstance(data, Mapping) or depth == 0:
        return
    for kind in _RANGES:
        if kind in data:
            yield Searched(name, {"int": "integer", "float": "real"}[kind], _range(data, kind), data.get("log") is True)
            return
    for kind in _LISTS:
        if kind in data:
            options = tuple(map(leaf, plain.items(data[kind])))
            yield Searched(name, kind, plain.line(", ".join(options), 200), False, options)
            return
    if "pow2" in data:
        ends = " to ".join(leaf(end) for end in plain.items(data["pow2"]))
        yield Searched(name, "power of two", plain.line(ends, 200), True)
        return
    if "zip" in data:
        yield Searched(plain.line(data["zip"], 60), "group", name, False)
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
    listed = tuple(label for label, _ in parts)
    yield Searched(name, "branch", ", ".join(listed), False, listed)
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
    published = [values for _, values in published_of(view.record.spec)]
    names = [domain.name for domain in searched]
    names += sorted({name for trial in view.search for name in trial.values} - set(names))
    if not names:
        return Missing("The search space is not recorded: no domain in the study and no searched value in a trial.")
    known = {domain.name: domain for domain in searched}
    values = best.values if best else {}
    rows = []
    for name in names:
        domain = known.get(name, Searched(name, "not recorded", NONE, False))
        given = dict.fromkeys(leaf(one[name]) for one in published if name in one)
        found = leaf(values[name]) if name in values else NONE
        texts = (plain.line(name, 80), domain.kind, domain.range, plain.line(", ".join(given), 120) or NONE, found)
        rows.append(tuple(Cell(text) for text in texts))
    titles = ("Parameter", "Type", "Searched", "Published", f"Best found (trial {best.number})" if best else "Best found")
    notes = ("A parameter of a branch counts only where its branch is chosen; elsewhere it has a dash.",)
    return Table("space", "The search space.", tuple(Column(title, align="text") for title in titles), tuple(rows), notes)


def published_of(spec: Mapping[str, object]) -> tuple[tuple[str, dict[str, object]], ...]:
    """List published settings: their source, and their values by the full name of each domain (the branch may be left out)."""
    names = [domain.name for domain in domains(spec)]
    found = []
    for item in plain.items(plain.at(spec, "published")):
        source = plain.line(plain.at(item, "source") or "no source given", 200)
        given = plain.mapping(plain.at(item, "values"))
        found.append((source, {_full_name(name, given, names): value for name, value in given.items()}))
    return tuple(found)


def _full_name(name: str, given: Mapping[str, object], names: list[str]) -> str:
    """Put the chosen branch into a name that leaves it out: ``sampler.keep`` is ``sampler.gradient.keep``."""
    head, _, last = name.rpartition(".")
    longer = f"{head}.{given.get(head)}.{last}"
    return longer if name not in names and longer in names else name


def _published(view: View) -> Table | None:
    """Lay published settings beside what they gave here, in the search."""
    rows = []
    tried = [trial for trial in view.search if trial.role == "published"]
    for source, values in published_of(view.record.spec)[:_PUBLISHED]:
        wanted = {name: leaf(value) for name, value in values.items()}
        trial = next((t for t in tried if wanted.items() <= {name: leaf(value) for name, value in t.values.items()}.items()), None)
        settings = plain.line(", ".join(f"{plain.line(name, 60)} = {value}" for name, value in wanted.items()), 300)
        status = "not tried" if trial is None else "not finished" if trial.status is None else trial.status.replace("_", " ")
        number = Cell(NONE) if trial is None else Cell(str(trial.number), trial.number)
        value = view.metric.show(trial.value if trial else None)
        rows.append((Cell(source), Cell(settings), number, Cell(status), Cell(value)))
    if not rows:
        return None
    columns = (
        Column("Source", align="text"),
        Column("Setting", align="text"),
        Column("Trial"),
        Column("Status here", align="text"),
        Column(f"Validation {view.metric.axis}, here"),
    )
    note = (
        "The values are those of this study, on its own data and training length: they do not compare with what the source prints."
    )
    return Table("published", "Published settings, which the search tried first.", columns, tuple(rows), (note,))
