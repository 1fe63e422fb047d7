"""A run as flat Arrow tables, for the report and for whoever wants the numbers: trials, steps and images.

A trial's values, last metrics and facts become columns ``values.<name>``, ``metrics.<name>`` and ``facts.<name>``. A column that
holds only truth values, only integers or only numbers has that type; mixed ones are text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from raysearch.results.events import Leaf
from raysearch.results.record import ReportedPoint, RunRecord, TrialRecord
from raysearch.train.atomic import write_atomically

Format = Literal["parquet", "csv"]

_INT64 = 2**63
_DANGEROUS = r"^[=+\-@\t\r]"
"""A spreadsheet takes a text that starts so for a formula and may run it."""

_TRIAL: tuple[tuple[str, pa.DataType, Callable[[TrialRecord], object]], ...] = (
    ("trial", pa.int64(), lambda trial: trial.number),
    ("phase", pa.string(), lambda trial: trial.phase),
    ("role", pa.string(), lambda trial: trial.role),
    ("source", pa.int64(), lambda trial: trial.source),
    ("parent", pa.int64(), lambda trial: trial.parent),
    ("parent_step", pa.int64(), lambda trial: trial.parent_step),
    ("status", pa.string(), lambda trial: trial.status),
    ("value", pa.float64(), lambda trial: trial.value),
    ("step", pa.int64(), lambda trial: trial.step),
    ("steps", pa.int64(), lambda trial: trial.steps),
    ("seconds", pa.float64(), lambda trial: trial.seconds),
    ("retries", pa.int64(), lambda trial: trial.retries),
    ("seed", pa.uint64(), lambda trial: trial.seed),
    ("started", pa.float64(), lambda trial: trial.started),
    ("ended", pa.float64(), lambda trial: trial.ended),
    ("reason", pa.string(), lambda trial: trial.reason),
)


@dataclass(frozen=True)
class RunTables:
    """The tables of a run.

    Attributes:
        trials: one row per trial; times are seconds since the epoch, ``seconds`` is training and evaluation time.
        steps: one row per evaluation of a trial on validation photographs: trial, phase, step, time and ``metrics.<name>``.
        images: `raysearch.results.run.RUN_IMAGES`.
    """

    trials: pa.Table
    steps: pa.Table
    images: pa.Table

    def write(self, folder: Path, formats: Sequence[Format] = ("parquet", "csv")) -> tuple[Path, ...]:
        """Write ``trials``, ``steps`` and ``images`` into a folder and return the files; what was there before is replaced.

        In CSV files a text that a spreadsheet would take for a formula gets an apostrophe in front; Parquet files hold it as it is.

        Raises:
            StorageError: the disk refuses.
        """
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, table in (("trials", self.trials), ("steps", self.steps), ("images", self.images)):
            for form in formats:
                path = folder / f"{name}.{form}"
                content = BytesIO()
                if form == "parquet":
                    pq.write_table(table, content)
                else:
                    csv.write_csv(_harmless(table), content)
                write_atomically(path, content.getvalue())
                written.append(path)
        return tuple(written)


def tables_of(record: RunRecord) -> RunTables:
    """Return the tables of a run."""
    return RunTables(trials_table(record.trials), steps_table(record.trials), record.images)


def trials_table(trials: Sequence[TrialRecord]) -> pa.Table:
    """Return one row per trial."""
    columns = {name: pa.array([read(trial) for trial in trials], kind) for name, kind, read in _TRIAL}
    columns |= _flattened("values", [trial.values for trial in trials])
    columns |= _flattened("metrics", [trial.reports[-1].metrics if trial.reports else {} for trial in trials])
    columns |= _flattened("facts", [trial.facts for trial in trials])
    return pa.table(columns)


def steps_table(trials: Sequence[TrialRecord]) -> pa.Table:
    """Return one row per evaluation."""
    rows: list[tuple[TrialRecord, ReportedPoint]] = [(trial, point) for trial in trials for point in trial.reports]
    columns = {
        "trial": pa.array([trial.number for trial, _ in rows], pa.int64()),
        "phase": pa.array([trial.phase for trial, _ in rows], pa.string()),
        "step": pa.array([point.step for _, point in rows], pa.int64()),
        "time": pa.array([point.time for _, point in rows], pa.float64()),
    }
    names = _names(point.metrics for _, point in rows)
    for name in names:
        columns[f"metrics.{name}"] = pa.array([point.metrics.get(name) for _, point in rows], pa.float64())
    return pa.table(columns)


def _flattened(prefix: str, rows: Sequence[Mapping[str, Leaf]]) -> dict[str, pa.Array]:
    return {f"{prefix}.{name}": leaf_array([row.get(name) for row in rows]) for name in _names(rows)}


def _names(rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Return all keys, in the order in which they first appear."""
    return list(dict.fromkeys(name for row in rows for name in row))


def leaf_array(values: Sequence[Leaf]) -> pa.Array:
    """Return values of one name as an array of the narrowest type that holds them all: bool, int64, float64 or text."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in present):
        return pa.array(values, pa.bool_() if present else pa.null())
    if any(isinstance(value, bool | str) for value in present):
        return pa.array([_as_text(value) for value in values], pa.string())
    whole = all(isinstance(value, int) and -_INT64 <= value < _INT64 for value in present)
    return pa.array(values if whole else [_as_float(value) for value in values], pa.int64() if whole else pa.float64())


def _as_text(value: Leaf) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _as_float(value: Leaf) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:
        return None


def _harmless(table: pa.Table) -> pa.Table:
    """Put an apostrophe before every text, column names included, that a spreadsheet would take for a formula."""
    columns = []
    for column in table.columns:
        if pa.types.is_null(column.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type):
            marked = pc.binary_join_element_wise("'", column, "")
            column = pc.if_else(pc.match_substring_regex(column, _DANGEROUS), marked, column)
        columns.append(column)
    names = pa.array(table.column_names, pa.string())
    marked = pc.binary_join_element_wise("'", names, "")
    harmless = pc.if_else(pc.match_substring_regex(names, _DANGEROUS), marked, names)
    return pa.table(columns, names=harmless.to_pylist())
