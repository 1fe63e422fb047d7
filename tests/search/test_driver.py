"""A whole study in a local Ray: outcomes, retries, phases."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_fit
import pytest
from small_study import study

from raysearch.errors import ClusterError, TooManyFailed
from raysearch.results.events import DriverStopped
from raysearch.results.folder import RunFolder
from raysearch.results.journal import read_journal
from raysearch.results.run import open_run
from raysearch.rng import seed_of
from raysearch.search.capacity import Capacity, Node
from raysearch.search.driver import layout_of, resume_study, run_study
from raysearch.search.options import DriverOptions
from raysearch.search.study import StudySpec

NewRun = Callable[[StudySpec], RunFolder]
Options = Callable[..., DriverOptions]


class Watcher:
    """Keeps the events and summaries."""

    def __init__(self) -> None:
        self.sessions: list[Any] = []
        self.events: list[Any] = []
        self.summaries: list[Any] = []

    def on_session(self, session: Any) -> None:
        self.sessions.append(session)

    def on_trouble(self, text: str) -> None:
        raise AssertionError(text)

    def on_event(self, event: Any, summary: Any) -> None:
        self.events.append(event)
        self.summaries.append(summary)


@pytest.mark.ray
def test_a_study_is_searched_and_confirmed(new_run: NewRun, options: Options, shared_ray: str) -> None:
    confirm = {"top": 2, "seeds": 2, "baseline": {"recipe.optimizer.lr": 2e-4}}
    spec = study(lrs=(0.001, 0.004, 0.002), budget={"trials": 4}, searcher="tpe", confirm=confirm, seed=3)
    folder, watcher = new_run(spec), Watcher()
    outcome = run_study(spec, folder, options(address=shared_ray, progress=watcher, tensorboard=True))
    run = open_run(folder.path)
    search = [trial for trial in run.trials if trial.phase == "search"]
    confirmed = [trial for trial in run.trials if trial.phase == "confirm"]

    assert outcome.exit_code == 0
    assert [trial.role for trial in search] == ["published"] * 3 + ["suggested"]
    assert [trial.status for trial in run.trials] == ["finished"] * 10
    assert [trial.seed for trial in search] == [seed_of(3, "trial", number) % 2**31 for number in range(4)]
    assert all(trial.config["seed"] == trial.seed for trial in run.trials)
    assert all([point.step for point in trial.reports] == [10, 20, 30, 40] for trial in run.trials)
    best = max(search, key=lambda trial: trial.value or 0)
    assert (outcome.best.trial, outcome.best.value) == (best.number, best.value)  # type: ignore[union-attr]

    assert [trial.role for trial in confirmed] == ["baseline", "top1", "top2"] * 2
    assert confirmed[0].config["recipe"]["optimizer"]["lr"] == 2e-4  # type: ignore[index]
    assert confirmed[1].source == best.number
    assert len({trial.seed for trial in confirmed}) == 2
    assert not {trial.seed for trial in confirmed} & {trial.seed for trial in search}
    assert confirmed[1].value == pytest.approx((best.value or 0) - 1.0), "the value on the test sets"
    assert run.ended == {"search": "trials", "confirm": "trials"}

    processes = {life["pid"] for trial in search for life in fake_fit.life(folder.trial(trial.number))}
    assert len(processes) <= 2, "actors are reused"
    assert json.loads((folder.trial(0) / "config.json").read_text()) == search[0].config
    assert "trial 0" in (folder.trial(0) / "log.txt").read_text()
    assert list((folder.path / "tensorboard" / "0000").iterdir())
    assert "too few" in json.loads((folder.path / "importance.json").read_text())["reason"]
    assert folder.holder() is None
    assert len(watcher.events) == len(read_journal(folder.journal)) == len(watcher.summaries)
    assert watcher.sessions[0].capacity == Capacity((Node(2.0, 0.0),))

    before = folder.journal.read_bytes()
    watched = Watcher()
    again = resume_study(folder, options("eventful", progress=watched))
    assert (again.exit_code, again.best) == (0, outcome.best)
    assert folder.journal.read_bytes() == before, "nothing is left to do, and nothing is done"
    assert watched.sessions == [], "not even Ray is started"


@pytest.mark.ray
def test_each_way_to_end_is_told_as_what_it_is(new_run: NewRun, options: Options, shared_ray: str) -> None:
    spec = study(lrs=(0.001, 0.01, 0.009, 0.008, 0.002, 0.007), max_retries=1, budget={"trials": 6, "max_failed": 0})
    folder = new_run(spec)
    outcome = run_study(spec, folder, options("eventful", address=shared_ray))
    trials = open_run(folder.path).trials
    assert [trial.status for trial in trials] == ["finished", "diverged", "out_of_memory", "diverged", "finished", "failed"]
    assert [trial.retries for trial in trials] == [0, 0, 0, 0, 1, 1], "what would happen again is not tried again"
    assert trials[1].reason == "Diverged: the loss is NaN"
    assert trials[3].reason == "Diverged: psnr is inf"
    assert trials[5].reason == "ZeroDivisionError: </script> a bug in the study"
    assert "Traceback" in (folder.trial(5) / "log.txt").read_text()
    assert "fix: lower the learning rate" in (folder.trial(1) / "log.txt").read_text()
    assert [trial.value is None for trial in trials] == [False, True, True, True, False, True]
    assert all(math.isfinite(point.metrics["psnr"]) for trial in trials for point in trial.reports)
    assert outcome.best.trial == 4  # type: ignore[union-attr]

    assert [point.step for point in trials[4].reports] == [10, 20, 30, 40], (
        "no step of the killed trial is told twice, none is lost"
    )
    assert [note["start"] for note in fake_fit.life(folder.trial(4)) if "start" in note] == [0, 10], (
        "it went on from its checkpoint"
    )

    assert isinstance(outcome.problem, TooManyFailed)
    assert outcome.exit_code == 4
    last = read_journal(folder.journal)[-1]
    assert isinstance(last, DriverStopped)
    assert (last.reason, last.message) == ("error", outcome.problem.cause)

    before, watcher = folder.journal.read_bytes(), Watcher()
    again = resume_study(folder, options("eventful", progress=watcher))
    assert (again.exit_code, str(again.problem)) == (4, str(outcome.problem))
    assert folder.journal.read_bytes() == before, "a study that ended badly is not run again"
    assert watcher.sessions == []

    lines = before.splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(lines[:-1]))
    resume_study(folder, options("eventful", progress=watcher))
    last = read_journal(folder.journal)[-1]
    assert isinstance(last, DriverStopped), "a driver that was killed before it could say so is helped out"
    assert last.reason == "error"
    assert watcher.sessions == []


@pytest.mark.parametrize("resources", [{"workers": 3}, {"cpus_per_worker": 3}, {"gpus_per_worker": 0.5}])
def test_what_can_not_fit_is_refused_at_once(resources: dict[str, Any]) -> None:
    with pytest.raises(ClusterError, match="one trial needs"):
        layout_of(study(resources=resources), Capacity((Node(2.0, 0.0),)))


def test_concurrency_is_what_fits() -> None:
    capacity = Capacity((Node(4.0, 0.0), Node(4.0, 0.0)))
    assert layout_of(study(resources={"cpus_per_worker": 2}), capacity).concurrent == 4
    assert layout_of(study(resources={"cpus_per_worker": 2, "concurrent": 3}), capacity).concurrent == 3
    assert layout_of(study(resources={"workers": 2, "cpus_per_worker": 3}), capacity).concurrent == 1


def test_a_cluster_that_may_grow_is_asked_for_what_the_study_says_it_can_hold() -> None:
    empty = Capacity((Node(0.0, 0.0),))
    assert layout_of(study(resources={"concurrent": 8}), empty, may_grow=True).concurrent == 8
    with pytest.raises(ClusterError, match=r"resources\.concurrent"):
        layout_of(study(), empty, may_grow=True)


def test_folders_of_trials_do_not_depend_on_the_current_folder(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).trial(7) == tmp_path / "trials" / "0007"
