"""The front of a study with several objectives on the page, and what looks wrong with a search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from raysearch.report.document import Figure, Prose, Table
from raysearch.report.page import write_report
from raysearch.report.sections import fronts
from raysearch.report.view import view
from raysearch.results.goals import Goals
from raysearch.results.pareto import front_of
from raysearch.results.record import RunRecord


def several(run: RunRecord, third: bool = False) -> RunRecord:
    objectives = [
        {"metric": "psnr", "mode": "max", "constraints": ["macs_g <= 9", "psnr >= 1"]},
        {"metric": "macs_g", "mode": "min"},
    ]
    objectives += [{"metric": "train_seconds", "mode": "min"}] if third else []
    trials = tuple(
        replace(trial, facts={**trial.facts, "macs_g": float(trial.number % 4 + 1)}, unread=("batch",)) if trial.status else trial
        for trial in run.trials
    )
    return replace(run, spec={**run.spec, "objectives": objectives}, trials=trials)


def test_a_study_with_one_objective_has_no_front(run: RunRecord, folder: Path) -> None:
    assert fronts.blocks(view(run, folder, "a")) == []


@pytest.mark.recomputes("front-data", "front-trials")
def test_the_front_is_drawn_and_listed(run: RunRecord, folder: Path) -> None:
    record = several(run)
    front = front_of(record.trials, Goals.of(record.spec))
    assert front is not None
    prose, figure, table = fronts.blocks(view(record, folder, "a"))
    assert isinstance(prose, Prose)
    assert "batch is searched, and the training never reads it" in prose.paragraphs[0]
    assert isinstance(figure, Figure)
    assert len(figure.panels) == 2
    finished = [trial for trial in run.trials if trial.phase == "search" and trial.status == "finished"]
    assert len(figure.data.rows) == len(finished)
    assert isinstance(table, Table)
    assert [row[0].sort for row in table.rows] == [trial.number for trial in front.trials]
    assert [row[0].note for row in table.rows].index("knee") == front.knee
    assert "macs_g <= 9, psnr >= 1" in table.notes[-1]


def test_three_objectives_make_a_panel_for_each_pair_with_the_first(run: RunRecord, folder: Path) -> None:
    figure = next(block for block in fronts.blocks(view(several(run, third=True), folder, "a")) if isinstance(block, Figure))
    assert len(figure.panels) == 3
    assert [column.title for column in figure.data.columns][1:4] == ["PSNR, dB", "Multiply-adds, G", "Training time, s"]


def test_the_page_holds_it_also_with_infeasible_trials(run: RunRecord, folder: Path, tmp_path: Path) -> None:
    record = several(run)
    number = next(trial.number for trial in run.trials if trial.status == "finished")
    changed = tuple(
        replace(trial, status="infeasible", reason="does not meet macs_g <= 9") if trial.number == number else trial
        for trial in record.trials
    )
    text = write_report([replace(record, trials=changed)], [folder], tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The trials on the front" in text
    assert "infeasible" in text
