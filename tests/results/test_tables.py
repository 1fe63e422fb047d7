from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from run_story import NASTY

from raysearch.results.events import Leaf
from raysearch.results.folder import RunFolder
from raysearch.results.run import RUN_IMAGES, open_run
from raysearch.results.tables import leaf_array, tables_of


def test_trials_are_flat_rows(run: RunFolder) -> None:
    trials = tables_of(open_run(run.path)).trials
    assert trials["trial"].to_pylist() == [0, 1, 2, 3]
    assert trials["status"].to_pylist() == ["finished", None, "diverged", None]
    assert trials["values.lr"].to_pylist() == [1e-3, 1e-4, 1.0, 0.5]
    assert trials["values.depth"].type == pa.int64()
    assert trials["values.sampler.gradient.keep"].to_pylist() == [None, 0.5, None, None]
    assert trials["metrics.psnr"].to_pylist() == [30.0, 27.5, None, 29.0]
    assert trials["facts.parameters"].to_pylist() == [1000, None, None, None]
    assert trials["seed"].to_pylist() == [2**62 + i for i in range(4)]


def test_steps_hold_every_evaluation_once(run: RunFolder) -> None:
    steps = tables_of(open_run(run.path)).steps
    found = list(zip(steps["trial"].to_pylist(), steps["step"].to_pylist(), steps["metrics.psnr"].to_pylist(), strict=True))
    assert found == [(0, 50, 28.0), (0, 100, 30.0), (1, 25, 26.0), (1, 50, 27.5), (3, 50, 29.0)]


def test_parquet_files_hold_the_tables(run: RunFolder) -> None:
    tables = tables_of(open_run(run.path))
    written = tables.write(run.tables)
    assert [path.name for path in written] == [f"{n}.{f}" for n in ("trials", "steps", "images") for f in ("parquet", "csv")]
    for name in ("trials", "steps", "images"):
        assert pq.read_table(run.tables / f"{name}.parquet").equals(getattr(tables, name))


def test_csv_cells_are_no_formulas(run: RunFolder) -> None:
    tables_of(open_run(run.path)).write(run.tables, ("csv",))
    with (run.tables / "trials.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert len(rows) == 4
    cells = dict(zip(header, zip(*rows, strict=True), strict=True))
    assert cells["values.sampler"] == ("uniform", "gradient", "'" + NASTY, "'+1")
    assert cells["reason"][2] == "'" + NASTY
    assert [float(cell) for cell in cells["values.lr"]] == [1e-3, 1e-4, 1.0, 0.5]
    assert not [cell for row in [header, *rows] for cell in row if cell[:1] in tuple("=+@\t\r")]


@pytest.mark.parametrize("start", list("=+-@\t\r"))
def test_every_start_of_a_formula_is_disarmed(tmp_path: Path, run: RunFolder, start: str) -> None:
    record = open_run(run.path)
    table = pa.table({start + 'na"me,\n': pa.array([start + "x", "fine", None]), "number": pa.array([-1.5, 2.0, None])})
    type(tables_of(record))(table, table, table).write(tmp_path, ("csv",))
    with (tmp_path / "steps.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["'" + start + 'na"me,\n', "number"], ["'" + start + "x", "-1.5"], ["fine", "2"], ["", ""]]


def test_a_run_without_trials_has_empty_tables(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "empty")
    tables = tables_of(open_run(folder.path))
    assert (len(tables.trials), len(tables.steps), len(tables.images)) == (0, 0, 0)
    assert tables.images.schema.equals(RUN_IMAGES)
    tables.write(folder.tables)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([True, None, False], pa.bool_(), [True, None, False]),
        ([1, None, 2], pa.int64(), [1, None, 2]),
        ([1, 0.5], pa.float64(), [1.0, 0.5]),
        ([2**70, 1], pa.float64(), [2.0**70, 1.0]),
        ([10**400, 1.0], pa.float64(), [None, 1.0]),
        ([1, "a", True, None], pa.string(), ["1", "a", "true", None]),
        ([True, 1], pa.string(), ["true", "1"]),
        ([None], pa.null(), [None]),
    ],
)
def test_a_column_has_the_narrowest_type(values: list[Leaf], kind: pa.DataType, expected: list[object]) -> None:
    array = leaf_array(values)
    assert array.type == kind
    assert array.to_pylist() == expected
