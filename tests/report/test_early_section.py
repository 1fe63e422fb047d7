"""The figure of early reports against the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from raysearch.report.document import Block, Figure, Prose
from raysearch.report.sections import early
from raysearch.report.view import view
from raysearch.results.record import ReportedPoint, RunRecord, TrialRecord


def _trial(number: int, honest: bool) -> TrialRecord:
    control = number in (0, 7, 15, 31, 63)
    values = [float(number if honest else -number), float(number)]
    points = [ReportedPoint(step, {"psnr": value}, 0.0) for step, value in zip((100, 300), values, strict=True)]
    status: Any = "finished" if control else "stopped"
    reports = tuple(points if control else points[:1])
    step = reports[-1].step
    value = reports[-1].metrics["psnr"]
    return TrialRecord(number, "search", "suggested", None, {}, {}, 0, 300, status, step, value, 1.0, "", 0, {}, reports, 0.0)


def _blocks(run: RunRecord, honest: bool, count: int = 64) -> list[Block]:
    trials = tuple(_trial(number, honest) for number in range(count))
    return early.blocks(view(replace(run, trials=trials), Path("nowhere"), "r1"))


def test_controls_are_compared_and_a_misleading_rung_is_warned_of(run: RunRecord) -> None:
    (figure,) = _blocks(run, honest=True)
    assert isinstance(figure, Figure)
    assert [cell.text for cell in figure.data.rows[0]] == ["100", "1.00", "1.00", "1.00", "5", "yes"]
    _, warning = _blocks(run, honest=False)
    assert isinstance(warning, Prose)
    assert "stopped after 100 steps" in warning.paragraphs[0]


def test_too_few_trials_say_nothing(run: RunRecord) -> None:
    assert _blocks(run, honest=True, count=6) == []
