"""A study with two objectives, a constraint between values and one on the outcome, without Ray; also killed and resumed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from small_study import TRIAL, study

from raysearch.results.folder import RunFolder
from raysearch.results.goals import Goals
from raysearch.results.pareto import front_of
from raysearch.results.run import open_run
from raysearch.results.summary import summary
from raysearch.search.costs import Costs
from raysearch.search.driver import resume_study, run_study
from raysearch.search.options import DriverOptions
from raysearch.search.study import StudySpec

NETS = {**TRIAL, "model": {"kind": "dncnn", "depth": {"ordered": [3, 4, 5]}, "width": {"pow2": [2, 8]}}, "batch": {"int": [1, 8]}}


def two_objectives() -> StudySpec:
    published = [
        {"source": "test", "values": {"recipe.optimizer.lr": lr, "model.depth": depth, "model.width": 4, "batch": 4}}
        for lr, depth in ((0.006, 4), (0.009, 5), (0.002, 3))
    ]
    objectives = [{"metric": "psnr", "mode": "max", "constraints": ["psnr <= 27.5"]}, {"metric": "macs_g", "mode": "min"}]
    parts = {"searcher": {"kind": "tpe", "startup_trials": 3}, "scheduler": {"kind": "asha", "first_rung": 10}}
    return study(
        **parts,
        objectives=objectives,
        constraints=["model.width * batch <= 32"],
        published=published,
        trial=NETS,
        budget={"trials": 8},
        resources={"concurrent": 1},
        confirm={"top": 1, "seeds": 2, "baseline": {"recipe.optimizer.lr": 2e-4}},
    )


@pytest.mark.usefixtures("dry")
def test_a_study_of_two_objectives(new_run: Callable[[StudySpec], RunFolder], options: Callable[..., DriverOptions]) -> None:
    spec = two_objectives()
    folder = new_run(spec)
    outcome = run_study(spec, folder, options())
    record = open_run(folder.path)
    search = [trial for trial in record.trials if trial.phase == "search"]
    assert outcome.exit_code == 0
    assert [trial.role for trial in search] == ["published"] * 3 + ["suggested"] * 5
    assert [trial.status for trial in search[:3]] == ["finished", "infeasible", "finished"]
    assert search[1].reason == "does not meet psnr <= 27.5"
    assert search[1].value == pytest.approx(29.0), "its value is known all the same"
    assert all(trial.values["model.width"] * trial.values["batch"] <= 32 for trial in search)  # type: ignore[operator]
    costs = Costs()
    for trial in search:
        assert trial.facts["macs_g"] == costs.of(spec.trial.bind(trial.values, trial.seed))["macs_g"]
    assert outcome.best is not None
    best = max((trial for trial in search if trial.status == "finished"), key=lambda trial: trial.value or 0.0)
    assert outcome.best.trial == best.number, "an infeasible trial never wins"
    confirmed = [trial for trial in record.trials if trial.role == "top1"]
    assert [trial.source for trial in confirmed] == [best.number] * 2
    front = front_of(record.trials, Goals.of(record.spec))
    assert front is not None
    assert front.trials[0].number == best.number
    assert all(trial.status == "finished" for trial in front.trials)
    seen = summary(record)
    assert seen.front == tuple(trial.number for trial in front.trials)
    assert [failure.status for failure in seen.failures if 1 in failure.trials] == ["infeasible"]
    assert any("batch" in notice for notice in seen.notices), "the pretended training reads the learning rate only"

    lines = folder.journal.read_bytes().splitlines(keepends=True)
    cut = next(i for i, line in enumerate(lines) if json.loads(line).get("trial") == 5)
    folder.journal.write_bytes(b"".join(lines[:cut]))
    assert resume_study(folder, options()).exit_code == 0
    again = [trial for trial in open_run(folder.path).trials if trial.phase == "search"]
    assert [(trial.values, trial.status, trial.value) for trial in again] == [
        (trial.values, trial.status, trial.value) for trial in search
    ], "a driver that was killed proposes what it would have proposed"
