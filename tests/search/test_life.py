"""The life of a run: stopped in a local Ray; without one extended, retried, won by another trial, raced, copied elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dry
import pytest
from small_study import study

from raysearch.report.compare import against_baseline
from raysearch.report.view import view
from raysearch.results.events import ContendersChosen, PhaseEnded, RaceLooked, TrialEnded
from raysearch.results.folder import RunFolder
from raysearch.results.journal import read_journal
from raysearch.results.run import open_run
from raysearch.results.stop_request import StopRequest
from raysearch.results.storage import Storage
from raysearch.results.summary import summary
from raysearch.search.driver import resume_study, run_study
from raysearch.search.options import DriverOptions
from raysearch.search.orders import Amount, Extend, MoreBudget, Retry
from raysearch.search.progress import NoProgress
from raysearch.search.study import StudySpec

NewRun = Callable[[StudySpec], RunFolder]
Options = Callable[..., DriverOptions]


class StopsAfterOne(NoProgress):
    """Asks the driver to stop when the first trial has ended."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def on_event(self, event: Any, summary: Any) -> None:
        holder = self.folder.holder()
        if isinstance(event, TrialEnded) and holder is not None:
            StopRequest(holder.token, now=False).write(self.folder.stop_file)


@pytest.mark.ray
def test_a_run_is_stopped_and_goes_on_with_more_budget_and_another_winner(
    new_run: NewRun, options: Options, shared_ray: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm = {"top": 1, "seeds": 2, "baseline": {"recipe.optimizer.lr": 2e-4}}
    spec = study(lrs=(0.001, 0.002, 0.0001, 0.009), budget={"trials": 3}, resources={"concurrent": 1}, confirm=confirm)
    folder = new_run(spec)

    stopped = run_study(spec, folder, options("slow", address=shared_ray, progress=StopsAfterOne(folder)))
    assert (stopped.status, stopped.exit_code) == ("interrupted", 143)
    first = open_run(folder.path)
    assert 1 <= len(first.trials) <= 2
    assert {trial.status for trial in first.trials} == {"finished"}, "running trials went on to their end"
    assert (first.ended, first.stopped) == ({}, "interrupted")
    assert not folder.stop_file.exists()

    dry.install(monkeypatch)
    resume_study(folder, options("third_fails"))
    second = open_run(folder.path)
    assert second.trials[2].status == "failed"
    assert summary(second).confirmed.trial == 1  # type: ignore[union-attr]
    confirmed = [trial.number for trial in second.trials if trial.phase == "confirm"]
    assert len(confirmed) == 4

    orders = (Retry(frozenset({"failed"})), MoreBudget(trials=Amount(1, more=True)), Extend(0, 80, anew=True))
    outcome = resume_study(folder, options("quick", orders=orders))
    assert outcome.exit_code == 0
    run = open_run(folder.path)
    assert run.trials[2].status == "finished"
    assert run.trials[2].causes == ("asked",)
    (extended,) = [trial for trial in run.trials if trial.phase == "extend"]
    assert (extended.source, extended.steps, extended.status, extended.step) == (0, 80, "finished", 80)
    assert [trial.number for trial in run.trials if trial.phase == "search"] == [0, 1, 2, extended.number + 1]
    assert outcome.best.trial == extended.number + 1  # type: ignore[union-attr]
    assert summary(run).confirmed.trial == outcome.best.trial  # type: ignore[union-attr]
    assert [run.trials[number].role for number in confirmed] == ["former-baseline-1", "former-1"] * 2
    assert [trial.role for trial in run.trials if trial.phase == "confirm"][4:] == ["baseline", "top1"] * 2
    assert sum(isinstance(event, ContendersChosen) for event in read_journal(folder.journal)) == 1
    assert run.spec["budget"]["trials"] == 4  # type: ignore[index]
    assert len(run.changes) == 3
    assert {method.role for method in view(run, folder.path, "r").methods} == {"baseline", "top1"}


@pytest.mark.usefixtures("dry")
def test_seeds_are_raced_until_the_interval_decides_and_all_is_copied(new_run: NewRun, options: Options, tmp_path: Path) -> None:
    spec = study(
        lrs=(0.004, 0.001001),  # the second is as good as the baseline, and another configuration
        confirm={"top": 2, "seeds": 3, "race": {"seeds": 5}, "baseline": {"recipe.optimizer.lr": 1e-3}},
        storage=str(tmp_path / "copies"),
    )
    folder = new_run(spec)
    assert run_study(spec, folder, options("imaged")).exit_code == 0
    run = open_run(folder.path)
    looks = [(look.role, look.seeds, look.decided) for look in run.looks]
    assert looks == [("top1", 3, True), ("top2", 3, False), ("top2", 4, False), ("top2", 5, False)]
    seeds = {role: [t.seed for t in run.trials if t.role == role] for role in ("baseline", "top1", "top2")}
    assert seeds["baseline"] == seeds["top2"]
    assert seeds["top1"] == seeds["baseline"][:3]
    assert run.ended["confirm"] == "trials"
    compared = against_baseline(view(run, folder.path, "r"))
    for look in [look for look in run.looks if (look.role, look.seeds) in (("top1", 3), ("top2", 5))]:
        shown = compared[look.role][0].numbers
        assert shown is not None
        assert (shown.difference, shown.low, shown.high) == pytest.approx((look.difference, look.low, look.high))
    events = read_journal(folder.journal)
    assert [event.phase for event in events if isinstance(event, PhaseEnded)] == ["search", "confirm"]
    assert sum(isinstance(event, RaceLooked) for event in events) == 4

    copies = Storage.open(str(tmp_path / "copies")).child("t")
    assert copies.read("journal.jsonl") == folder.journal.read_bytes()
    assert all(f"trials/{trial.number:04d}/config.json" in copies.files() for trial in run.trials)
    assert "LOCK" not in copies.files()
