"""Metrics beside PSNR and SSIM: named and printed as they are computed, in a table of their own, and as the objective."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from raysearch import component
from raysearch.metrics.base import metric
from raysearch.report.document import Table
from raysearch.report.formats import METRICS, metric_named
from raysearch.report.page import write_report
from raysearch.report.sections import results
from raysearch.report.view import View, view
from raysearch.results.record import RunRecord


def with_metrics(run: RunRecord, **columns: list[float | None]) -> RunRecord:
    table = run.images
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, pa.float64()))
    return replace(run, images=table)


@pytest.fixture
def measured(run: RunRecord) -> RunRecord:
    """GMSD falls with the PSNR; a metric of the user's own, with a hostile name, is there for some trials only."""
    psnr = run.images["psnr"].to_pylist()
    odd: list[float | None] = [None if i % 2 else value / 40 for i, value in enumerate(psnr)]
    return with_metrics(run, gmsd=[1 / value for value in psnr], **{"<script>.mine": odd})


def tables(seen: View) -> dict[str, Table]:
    return {block.name: block for block in results.section(seen).blocks if isinstance(block, Table)}


def test_the_report_knows_every_metric_as_it_is() -> None:
    assert set(METRICS) == set(component.names("raysearch.metrics"))
    for name, shown in METRICS.items():
        found = metric(name)
        assert (shown.name, shown.title, shown.unit, shown.decimals) == (name, found.title, found.unit, found.decimals)
        assert shown.larger_is_better == (found.better == "higher")
    assert metric_named("mine.own").title == "mine.own"


def test_without_further_metrics_there_is_no_table_of_them(run: RunRecord, folder: Path) -> None:
    assert "metrics" not in tables(view(run, folder, "r1"))


@pytest.mark.recomputes("metrics")
def test_further_metrics_have_a_table(measured: RunRecord, folder: Path) -> None:
    seen = view(measured, folder, "r1")
    table = tables(seen)["metrics"]
    assert "less is better for GMSD" in table.caption
    titles = [column.title for column in table.columns]
    assert titles[0] == "Method"
    assert set(titles[1:]) == {"GMSD", "<script>.mine"}
    gmsd = titles.index("GMSD")
    rows = {row[0].text: row[gmsd] for row in table.rows}
    for method in seen.methods:
        place = seen.scores.places(method.numbers)[0]
        chosen = [
            row
            for row in measured.images.to_pylist()
            if row["trial"] in method.numbers and (row["dataset"], row["level"]) == (place.dataset, place.level)
        ]
        assert rows[method.title].sort == pytest.approx(np.mean([row["gmsd"] for row in chosen]))
    best = min(rows.values(), key=lambda cell: np.inf if cell.sort is None else cell.sort)
    assert best.mark == "best"


def test_the_page_escapes_a_metric_s_name(measured: RunRecord, folder: Path, tmp_path: Path) -> None:
    text = write_report([measured], [folder], tmp_path / "r.html").read_text()
    assert "<script>.mine" not in text
    assert "&lt;script&gt;.mine" in text
    assert "GMSD" in text


def test_an_error_may_be_the_objective(measured: RunRecord, folder: Path) -> None:
    spec = {**measured.spec, "objective": {"metric": "gmsd", "mode": "min"}}
    seen = view(replace(measured, spec=spec), folder, "r1")
    assert (seen.metric.title, seen.metric.larger_is_better) == ("GMSD", False)
    table = tables(seen)["comparison"]
    assert any(column.title.startswith("Δ GMSD") for column in table.columns)
