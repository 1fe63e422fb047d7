"""Published numbers with what was measured here beside them, and what differs under each table."""

from __future__ import annotations

from collections.abc import Sequence

from raysearch.errors import SpecError
from raysearch.report import plain
from raysearch.report.beside import NEAR, Like, differences, likes
from raysearch.report.compare import outcome
from raysearch.report.document import Block, Cell, Column, Missing, Prose, Section, Table
from raysearch.report.formats import METRICS, NONE, Metric, plural, signed
from raysearch.report.scores import Place
from raysearch.report.view import View
from raysearch.results.published import PaperColumn, PaperRow, PaperTable, paper_tables, require_tables

_TABLES = 12
_READING = Prose(
    (
        "Published numbers stand on the left, what this run measured on the right. Data, training length and networks differ, as "
        "said under each table, so only the order of the rows and the differences (Δ) to the baseline's row can be set side by "
        "side. Validation numbers are of single trainings of the search, without an interval; test numbers are means over "
        "photographs and seeds, with 95\N{NO-BREAK SPACE}% intervals of the differences. A number of a setting counts as that of a "
        f"row within a factor of {NEAR:g}, of the nearest row alone; what was measured then stands below the trial.",
    )
)
_DECIMALS = {"gflops": 2, "seconds": 2}


def section(view: View) -> Section | None:
    """Write the section; None for a study that names no table."""
    names = tuple(plain.line(name, 60) for name in plain.items(plain.at(view.record.spec, "report.tables")))[:_TABLES]
    if not names:
        return None
    return Section("papers", "Beside the papers", (_READING, *(block for name in names for block in _blocks(view, name))))


def _blocks(view: View, name: str) -> list[Block]:
    try:
        require_tables((name,))
    except SpecError as error:
        return [Missing(f"{error.cause[:1].upper()}{error.cause[1:]}.")]
    return [_table(view, name, paper_tables()[name])]


def _table(view: View, name: str, table: PaperTable) -> Table:
    found = likes(view, table)
    metrics = list(dict.fromkeys(column.metric for column in table.columns))
    measured = [metric for metric in metrics if any(_validation(one, metric) is not None for one in found)]
    places = _places(view, found, metrics)
    titles = [Column("Method", align="text"), *(_published_column(column, table) for column in table.columns)]
    titles += [Column(_metric(metric).axis, "Here, validation") for metric in measured]
    titles += [Column(f"{place.title} {_metric(metric).axis}", "Here, test") for place, metric in places]
    titles += [Column("Trials here", align="text")]
    rows = []
    for i, row in enumerate(table.rows):
        cells = [Cell(str(row.method)), *_published_cells(table, row)]
        cells += [_validation_cell(table, found, i, metric) for metric in measured]
        cells += [_test_cell(view, table, found, i, place, metric) for place, metric in places]
        rows.append((*cells, _trials(found[i])))
    caption = f"{table.source}: {table.subject}; published, and measured here."
    return Table(f"beside-{name}", caption, tuple(titles), tuple(rows), _notes(view, table, found))


def _metric(name: str) -> Metric:
    known = METRICS.get(name)
    return known or Metric(name, {"gflops": "GFLOPs", "seconds": "Time, s"}.get(name, name), "", _DECIMALS.get(name, 4))


def _published_column(column: PaperColumn, table: PaperTable) -> Column:
    where = ", ".join(part for part in (column.dataset, column.level) if part)
    return Column(f"{where} {_metric(column.metric).axis}".strip(), table.source)


def _published_cells(table: PaperTable, row: PaperRow) -> list[Cell]:
    base = next((other for other in table.rows if str(other.method) == table.baseline), None)
    cells = []
    for i, (column, value) in enumerate(zip(table.columns, row.values, strict=True)):
        metric = _metric(column.metric)
        reference = base.values[i] if base is not None and base is not row else None
        gain = f"Δ {signed(value - reference, metric.decimals)}" if value is not None and reference is not None else ""
        cells.append(Cell(metric.show(value), value, note=gain))
    return cells


def _validation(one: Like, metric: str) -> float | None:
    if one.searched is None or not one.searched.reports:
        return None
    return plain.number(one.searched.reports[-1].metrics.get(metric))


def _base(table: PaperTable, found: Sequence[Like]) -> int | None:
    """Return the position of the baseline's row."""
    return next((i for i, row in enumerate(table.rows) if str(row.method) == table.baseline), None)


def _validation_cell(table: PaperTable, found: Sequence[Like], i: int, name: str) -> Cell:
    metric, value, base = _metric(name), _validation(found[i], name), _base(table, found)
    reference = _validation(found[base], name) if base is not None and base != i else None
    gain = f"Δ {signed(value - reference, metric.decimals)}" if value is not None and reference is not None else ""
    return Cell(metric.show(value), value, note=gain)


def _places(view: View, found: Sequence[Like], metrics: Sequence[str]) -> list[tuple[Place, str]]:
    """Return where the confirmed methods were tested, with each of the metrics that they have there."""
    numbers = [number for one in found if one.confirmed is not None for number in one.confirmed.numbers]
    known = {"psnr", "ssim", *view.scores.others}
    return [(place, metric) for place in view.scores.places(numbers) for metric in metrics if metric in known]


def _test_cell(view: View, table: PaperTable, found: Sequence[Like], i: int, place: Place, name: str) -> Cell:
    method, metric, base = found[i].confirmed, _metric(name), _base(table, found)
    if method is None:
        return Cell(NONE)
    images = view.scores.images(method.numbers, place)
    values = view.scores.matrix(method.numbers, [(place, image) for image in images], name)
    mean = float(values.mean()) if values.size else None
    other = found[base].confirmed if base is not None and base != i else None
    if other is None or other is method:
        return Cell(metric.show(mean), mean)
    result = outcome(view, method, other, metric, (place,))
    if result.numbers is None:
        return Cell(metric.show(mean), mean)
    return Cell(metric.show(mean), mean, note=f"Δ {signed(result.numbers.difference, metric.decimals)} {result.interval(metric)}")


def _trials(one: Like) -> Cell:
    parts = [f"{one.searched.number}" + (f", best of {one.of}" if one.of > 1 else "")] if one.searched is not None else []
    parts += [f"{one.confirmed.role} ({plural(len(one.confirmed.trials), 'seed')})"] if one.confirmed is not None else []
    return Cell("; ".join(parts) or NONE, note=", ".join(one.off))


def _notes(view: View, table: PaperTable, found: Sequence[Like]) -> tuple[str, ...]:
    notes = [table.note] if table.note else []
    if not any(one.searched is not None or one.confirmed is not None for one in found):
        there = f"{table.protocol.data}; {table.protocol.training}; {table.protocol.evaluation}"
        return (*notes, f"No finished trial has one of these settings. There: {there}.")
    return (*notes, "The two sides are not to be compared number by number.", *differences(view, table, found))
