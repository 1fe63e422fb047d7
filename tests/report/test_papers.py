"""Published numbers beside measured ones: which trial stands where, and what is said to differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from raysearch.report.beside import apart
from raysearch.report.document import Missing, Prose, Table
from raysearch.report.sections import papers
from raysearch.report.view import view
from raysearch.results.published import paper_tables
from raysearch.results.record import RunRecord, TrialRecord

MINUS = "\N{MINUS SIGN}"


def with_tables(run: RunRecord, *names: str) -> RunRecord:
    return replace(run, spec={**run.spec, "report": {"tables": list(names)}})


def retempered(trial: TrialRecord, temperature: float) -> TrialRecord:
    sampler = {"kind": "patchnet", "temperature": temperature}
    return replace(trial, config=trial.config | {"sampler": sampler})


@pytest.fixture
def tempered(run: RunRecord) -> RunRecord:
    """Finished PatchNet trials at 2, at nearly 5, at 3 (near no row), and a second one at 2."""
    done = [t for t in run.trials if t.phase == "search" and t.status == "finished" and t.config["sampler"] != {"kind": "uniform"}]
    chosen = dict(zip([t.number for t in done], (2.0, 4.7, 3.0, 2.0), strict=False))
    return replace(run, trials=tuple(retempered(t, chosen[t.number]) if t.number in chosen else t for t in run.trials))


def table_of(run: RunRecord, folder: Path, name: str) -> Table:
    found = papers.section(view(with_tables(run, name), folder, "r1"))
    assert found is not None
    reading, block = found.blocks
    assert isinstance(reading, Prose)
    assert isinstance(block, Table)
    return block


def signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", MINUS)


def test_each_trial_stands_beside_the_row_that_it_is_nearest_to(tempered: RunRecord, folder: Path) -> None:
    block = table_of(tempered, folder, "patchnet-temperature")
    assert block.name == "beside-patchnet-temperature"
    titles = [column.whole for column in block.columns]
    here = titles.index("Here, validation: PSNR, dB")
    rows = {row[0].text: row for row in block.rows}
    by_temperature: dict[float, list[float]] = {}
    for trial in tempered.trials:
        if trial.phase == "search" and trial.status == "finished":
            sampler = trial.config["sampler"]
            assert isinstance(sampler, dict)
            by_temperature.setdefault(sampler.get("temperature", 0.0), []).append(trial.reports[-1].metrics["psnr"])
    uniform = max(
        t.reports[-1].metrics["psnr"]
        for t in tempered.trials
        if t.phase == "search" and t.status == "finished" and t.config["sampler"] == {"kind": "uniform"}
    )
    for label, temperature in (("T = 2", 2.0), ("T = 5", 4.7)):
        value = max(by_temperature[temperature])
        assert rows[label][here].text == f"{value:.2f}"
        assert rows[label][here].note == f"Δ {signed(value - uniform)}"
    assert rows["T = 1"][here].text == "\N{EN DASH}"
    assert rows["T = 5"][-1].note == "sampler.temperature 4.7"
    assert ", best of 2" in rows["T = 2"][-1].text


@pytest.mark.recomputes("beside-*")
def test_published_numbers_are_printed_as_they_are(run: RunRecord, folder: Path) -> None:
    for name in ("patchnet-methods", "losses-jdd", "path-restore-dnd"):
        block, table = table_of(run, folder, name), paper_tables()[name]
        for cells, row in zip(block.rows, table.rows, strict=True):
            assert cells[0].text == str(row.method)
            assert [cell.sort for cell in cells[1 : 1 + len(row.values)]] == list(row.values)
    block = table_of(run, folder, "patchnet-methods")
    assert block.rows[-1][1].note == "Δ +0.89"
    assert block.rows[-1][2].note == "Δ +2.35"


def test_what_differs_is_said_under_the_table(tempered: RunRecord, folder: Path) -> None:
    notes = " ".join(table_of(tempered, folder, "patchnet-temperature").notes)
    for words in (
        "not to be compared number by number",
        "Data there: fourth frames of Vimeo-90k, 64,612 to train on",
        "here: photos, 5 training photographs",
        "Training there: 50 epochs; here: 800 steps (52.43 M pixels)",
        "model.depth 15 (5)",
        "recipe.loss.kind l2 (nothing like it)",
        "Parameters here: 31,283",
        "RGB, crop 8, float",
    ):
        assert words in notes, words


def test_confirmed_methods_stand_in_test_columns(run: RunRecord, folder: Path) -> None:
    block = table_of(run, folder, "patchnet-methods")
    place = next(i for i, column in enumerate(block.columns) if column.group == "Here, test")
    rows = {row[0].text: row for row in block.rows}
    baseline = [t for t in run.trials if t.role == "baseline"]
    numbers = {t.number for t in baseline}
    values = [row["psnr"] for row in run.images.to_pylist() if row["trial"] in numbers]
    assert rows["DeepJDD"][place].text == f"{sum(values) / len(values):.2f}"
    assert "baseline (3 seeds)" in rows["DeepJDD"][-1].text


def test_a_run_without_anything_alike_still_shows_the_numbers(run: RunRecord, folder: Path) -> None:
    block = table_of(run, folder, "losses-jpeg")
    assert [column.group for column in block.columns].count("Here, validation") == 0
    assert any("No finished trial has one of these settings" in note for note in block.notes)


def test_names_that_are_no_tables_are_said(run: RunRecord, folder: Path) -> None:
    found = papers.section(view(with_tables(run, "<script>", "patchnet-temperature"), folder, "r1"))
    assert found is not None
    assert isinstance(found.blocks[1], Missing)
    assert isinstance(found.blocks[2], Table)
    assert papers.section(view(run, folder, "r1")) is None
    odd = replace(run, spec={**run.spec, "report": {"tables": [3, None]}})
    assert papers.section(view(odd, folder, "r1")) is not None


@pytest.mark.parametrize(
    ("config", "where", "distance"),
    [
        ({"sampler": "uniform"}, {"sampler.kind": "uniform"}, 0.0),
        ({"sampler": {"kind": "patchnet", "temperature": 2}}, {"sampler.temperature": 2.0}, 0.0),
        ({"augment": "none"}, {"augment": "none"}, 0.0),
        ({}, {"augment": "none"}, None),
        ({"sampler": {"keep": 0.5}}, {"sampler.keep": 0.5288}, 0.05601),
        ({"sampler": {"keep": 0.5}}, {"sampler.keep": 0.7}, None),
        ({"sampler": {"keep": 0}}, {"sampler.keep": 0.1}, None),
        ({"sampler": {"keep": True}}, {"sampler.keep": 1.0}, None),
    ],
)
def test_near_means_within_a_quarter(config: object, where: dict[str, str | float], distance: float | None) -> None:
    found = apart(config, where)
    assert found == (None if distance is None else pytest.approx(distance, abs=1e-4))
