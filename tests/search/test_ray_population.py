"""Population based training in Ray, and every scheduler that stops trials with trials of several workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_fit
import numpy as np
import pytest
import ray
from dry import Fuse, Killed
from PIL import Image
from small_study import TRIAL, study

from raysearch.component import names
from raysearch.results.events import Event, PhaseEnded, TrialStarted
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal, read_journal
from raysearch.results.record import TrialRecord
from raysearch.results.run import open_run
from raysearch.search.driver import resume_study, run_study
from raysearch.search.job import DEFAULT_FIT
from raysearch.search.options import DriverOptions
from raysearch.search.progress import NoProgress, Summary
from raysearch.search.study import StudySpec
from raysearch.train.files import CHECKPOINTS

NewRun = Callable[[StudySpec], RunFolder]
Options = Callable[..., DriverOptions]

STOPPING: dict[str, dict[str, Any]] = {
    "hyperband": {"first_rung": 10, "reduction": 4, "check": False},
    "median": {"first_rung": 10, "reduction": 4, "check": False, "least": 1},
    "pbt": {"population": 2, "every": 20},
}
"""Settings under which the second of two trials is stopped. ``asha`` and ``fifo`` have their tests in test_ray_train.py."""


class Groups(NoProgress):
    """Looks at the placement groups that are left when the search is over."""

    def __init__(self) -> None:
        self.left: list[Any] = []

    def on_event(self, event: Event, summary: Summary) -> None:
        if isinstance(event, PhaseEnded):
            self.left = [group for group in ray.util.placement_group_table().values() if group["state"] != "REMOVED"]


def test_no_scheduler_is_left_out() -> None:
    assert {*STOPPING, "asha", "fifo"} == set(names("raysearch.search.schedulers"))


@pytest.mark.ray
@pytest.mark.parametrize("kind", STOPPING)
def test_a_trial_of_two_workers_is_stopped_and_leaves_nothing(
    kind: str, shared_ray: str, new_run: NewRun, options: Options
) -> None:
    trials = 3 if kind == "pbt" else 2
    scheduler = {"kind": kind, **STOPPING[kind]}
    spec = study(lrs=(0.008, 0.001), resources={"workers": 2}, scheduler=scheduler, budget={"trials": trials})
    folder, watch = new_run(spec), Groups()
    run_study(spec, folder, options("slow", address=shared_ray, progress=watch))
    found = open_run(folder.path).trials
    assert [trial.status for trial in found[:2]] == ["finished", "stopped"], [trial.reason for trial in found]
    assert watch.left == []
    assert not list(folder.trials.glob("*/ray_train"))
    assert all(trial.facts["workers"] == 2 for trial in found if trial.status == "finished")
    if kind == "pbt":
        check_turns(folder, found)


def check_turns(folder: RunFolder, trials: tuple[TrialRecord, ...]) -> None:
    """One trial at a time fits: the first rests at step 20, the second gives way there, a child of the first takes its place."""
    first, second, child = trials
    assert [point.step for point in first.reports] == [10, 20, 30, 40]
    assert second.step == 20
    assert (child.status, child.parent, child.parent_step) == ("finished", 0, 20)
    assert [point.step for point in child.reports] == [20, 30, 40]
    for rank in (0, 1):
        starts = [int(str(note["start"])) for note in fake_fit.life(folder.trial(0), rank) if "start" in note]
        assert len(starts) == 2
        assert starts[0] == 0
        assert starts[1] >= 20, "it went on where it had rested"
        assert [note["start"] for note in fake_fit.life(folder.trial(2), rank) if "start" in note] == [20]


def photographs(root: Path) -> dict[str, Any]:
    draw = np.random.default_rng(0)
    for split in ("train", "validation", "test"):
        (root / split).mkdir(parents=True)
        pixels = draw.integers(0, 256, (6, 6, 3), dtype=np.uint8).repeat(12, 0).repeat(12, 1)
        Image.fromarray(pixels).save(root / split / "0.png")
    sets = {split: [str(root / split)] for split in ("train", "validation")}
    return {"kind": "folder", **sets, "test": {"far": [str(root / "test")]}}


def at_the_second_child() -> Callable[[Event], bool]:
    """Say of each event whether it is the start of a second child."""
    children: list[Event] = []

    def found(event: Event) -> bool:
        if isinstance(event, TrialStarted) and event.parent is not None:
            children.append(event)
        return len(children) == 2 and event is children[1]

    return found


@pytest.mark.ray
def test_a_population_of_real_trainings_is_broken_off_resumed_and_confirmed(
    shared_ray: str, new_run: NewRun, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = {
        **TRIAL,
        "data": photographs(tmp_path / "photographs"),
        "patch": {"size": 24},
        "task": "demosaic",
        "model": {"kind": "deepjdd", "width": 4, "depth": 2, "padding": "same"},
        "steps": 20,
        "batch": 4,
        "evaluate": {"every": 2},
    }
    scheduler = {"kind": "pbt", "population": 4, "every": 4, "factors": [0.5, 2.0]}
    confirm = {"top": 1, "seeds": 1, "baseline": {"sampler": {"kind": "gradient"}}}
    spec = study(scheduler=scheduler, trial=trial, budget={}, confirm=confirm, seed=3)
    run = new_run(spec)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", Fuse(at_the_second_child(), "after"))
        with pytest.raises(Killed):
            run_study(spec, run, options(DEFAULT_FIT, address=shared_ray))
    assert not open_run(run.path).ended, "it was killed in the search"
    assert resume_study(run, options(DEFAULT_FIT, address=shared_ray)).exit_code == 0
    trials = open_run(run.path).trials
    search = [one for one in trials if one.phase == "search"]
    assert {one.status for one in search} == {"finished", "stopped"}
    assert sum(one.status == "finished" for one in search) == 4
    children = [one for one in search if one.parent is not None]
    assert len(children) >= 2
    for child in children:
        parent = search[child.parent or 0]
        begun = {point.step: point.metrics for point in parent.reports}[child.parent_step]
        assert child.reports[0].metrics == begun, "its curve begins with its donor's report"
        assert [point.step for point in child.reports] == list(range(child.parent_step, child.step + 1, 2))
        assert child.config["recipe"] != parent.config["recipe"]
    starts = [event for event in read_journal(run.journal) if isinstance(event, TrialStarted)]
    assert [event.trial for event in starts] == list(range(len(trials)))
    assert all(len(list((run.trial(one.number) / CHECKPOINTS).iterdir())) <= 4 for one in search), "few are kept"

    baseline, top = (one for one in trials if one.phase == "confirm")
    winner = search[top.source or 0]
    assert [stage.until for stage in top.earlier] == [stage.until for stage in baseline.earlier]
    assert bool(top.earlier) == (winner.parent is not None)
    for one in (baseline, top):
        assert (one.status, one.step) == ("finished", 20), one.reason
        assert sorted({point.step for point in one.reports}) == list(range(2, 21, 2))
