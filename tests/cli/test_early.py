"""What is said of rungs while a study runs."""

from __future__ import annotations

from typing import Any

import pytest

from raysearch.cli.console import StudyView
from raysearch.cli.early import early_line, early_warning, rungs_of
from raysearch.results.events import TrialEnded, TrialReported, TrialStarted
from raysearch.results.rungs import is_control


def test_rungs_are_those_of_the_resolved_study() -> None:
    scheduler = {"kind": "asha", "first_rung": 10, "reduction": 3}
    assert rungs_of({"scheduler": scheduler, "trial": {"steps": 100}}) == (10, 30, 90)
    assert rungs_of({"scheduler": {"kind": "fifo"}, "trial": {"steps": 100}}) == ()


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"scheduler": "asha"},
        {"scheduler": {"kind": "os.path"}, "trial": {"steps": 9}},
        {"scheduler": {"kind": "asha", "x": 1}, "trial": {"steps": 9}},
    ],
)
def test_a_damaged_study_has_none(spec: dict[str, Any]) -> None:
    assert rungs_of(spec) == ()


@pytest.mark.parametrize("honest", [True, False])
def test_the_view_counts_controls_and_warns(honest: bool) -> None:
    view = StudyView("psnr", True, None, (10,))
    for number in range(64):
        view.feed(
            TrialStarted(
                time=0, trial=number, phase="search", role="suggested", source=None, values={}, config={}, seed=0, steps=30
            )
        )
        for step, value in ((10, number if honest else -number), (30, number)):
            view.feed(TrialReported(time=0, trial=number, step=step, metrics={"psnr": float(value)}))
        status = "finished" if is_control(number) else "stopped"
        view.feed(TrialEnded(time=0, trial=number, status=status, step=30, value=float(number), seconds=1.0, reason="", facts={}))
    (found,) = view.early()
    assert found.correlation.n == 5
    assert early_line([found]) == f"rank correlation with the end over 5 trials: step 10: {1 if honest else -1:.2f} " + (
        "[1.00, 1.00]" if honest else "[-1.00, -1.00]"
    )
    assert early_warning([found]).startswith("" if honest else "warning: step 10 does not predict how trials end")
    assert bool(early_warning([found])) != honest
