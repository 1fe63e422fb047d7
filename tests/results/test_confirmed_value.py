"""Which value a user sees first."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_story import SPEC, ended, reported, started

from raysearch.cli import main
from raysearch.cli.confirmed import SELECTED
from raysearch.results.events import BudgetChanged, Event, RaceLooked, TrialStarted
from raysearch.results.folder import RunFolder
from raysearch.results.journal import new_journal


def confirmation(trial: int, role: str, source: int) -> TrialStarted:
    return started(trial, phase="confirm").model_copy(update={"source": source, "role": role})


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Trial 1 is the best of the search with 32 dB, and reaches 30 and 31 dB when it is confirmed."""
    events: list[Event] = [started(0), reported(0, 100, 31.0), ended(0, 31.0), started(1), reported(1, 100, 32.0), ended(1, 32.0)]
    for number, role, value in [(2, "baseline", 29.0), (3, "top1", 30.0), (4, "baseline", 29.5), (5, "top1", 31.0)]:
        events += [confirmation(number, role, 1), ended(number, value)]
    events.append(RaceLooked(time=4.0, role="top1", seeds=2, difference=1.25, low=0.5, high=2.0, decided=True))
    events.append(BudgetChanged(time=5.0, trials=9, minutes=None, gpu_hours=None))
    extension = started(6).model_copy(update={"phase": "extend", "role": "continued", "source": 0, "steps": 300})
    events += [extension, ended(6, 31.5)]
    folder = RunFolder.create(tmp_path / "runs", "tiny")
    folder.write_study("name: tiny\n", SPEC)
    new_journal(folder.journal, events)
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit):
        main(list(arguments))
    return capsys.readouterr().out


def test_the_confirmed_value_is_the_headline(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert "30.500 psnr confirmed" in said(capsys, "ls", "--runs", str(run.path.parent))
    shown = said(capsys, "show", str(run.path)).splitlines()
    assert "confirmed baseline: psnr 29.250" in shown[1]
    assert "confirmed top1: psnr 30.500 on test photographs, mean of 2 seeds" in shown[2]
    assert "race: decided with 2 seeds" in shown[2]
    assert SELECTED in shown[3]
    assert "trial 0001  psnr 32.000" in shown[4]
    assert any("trial 0006: trial 0000 trained from its checkpoint for 300 steps: psnr 31.500" in line for line in shown)
    assert any("since the start: the budget is 9 trials" in line for line in shown)
    best = said(capsys, "best", str(run.path))
    assert SELECTED in best
    assert "confirmed: psnr 30.500 on test photographs, mean of 2 fresh seeds" in best
    assert "confirmed" not in said(capsys, "best", str(run.path), "-k", "2").split("---")[1]


def test_without_a_confirmation_the_value_says_where_it_comes_from(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(b"".join(lines[:6]))
    assert "32.000 psnr in search" in said(capsys, "ls", "--runs", str(run.path.parent))
