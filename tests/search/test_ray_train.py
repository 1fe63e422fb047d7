"""Trials of several workers: Ray Train inside Ray Tune, and a cluster of two machines."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fake_fit
import numpy as np
import pytest
import ray
import torch
from PIL import Image
from ray.cluster_utils import Cluster
from small_study import TRIAL, study

from raysearch.errors import ClusterError
from raysearch.results.events import Event, TrialReported
from raysearch.results.folder import RunFolder
from raysearch.results.run import open_run
from raysearch.search.driver import run_study
from raysearch.search.job import DEFAULT_FIT
from raysearch.search.options import DriverOptions
from raysearch.search.ray_internals import require_tested_ray
from raysearch.search.study import StudySpec
from raysearch.spec.trial import TrialConfig
from raysearch.train.loop import fit
from raysearch.train.reporter import ListReporter
from raysearch.train.state import TrialIO
from raysearch.train.world import SingleWorld

NewRun = Callable[[StudySpec], RunFolder]
Options = Callable[..., DriverOptions]


@contextmanager
def machines(*cpus: int) -> Iterator[str]:
    """A cluster of so many machines on this one; gives its address."""
    cluster = Cluster()
    try:
        for count in cpus:
            cluster.add_node(num_cpus=count, include_dashboard=False, object_store_memory=100 * 2**20)
        yield cluster.address
    finally:
        cluster.shutdown()


class GroupWatch:
    """Looks, when a trial starts, at the placement groups of those before it."""

    def __init__(self) -> None:
        self.left: list[Any] = []

    def on_session(self, session: Any) -> None:
        pass

    def on_trouble(self, text: str) -> None:
        raise AssertionError(text)

    def on_event(self, event: Event, summary: Any) -> None:
        if event.event == "phase_ended":
            self.left = [group for group in ray.util.placement_group_table().values() if group["state"] != "REMOVED"]


@pytest.mark.ray
def test_a_stopped_trial_of_two_workers_leaves_nothing_and_the_next_one_starts(new_run: NewRun, options: Options) -> None:
    """Two machines of one CPU each: the second trial is stopped by ASHA, so the third can only start if its CPUs are free."""
    scheduler = {"kind": "asha", "first_rung": 10, "check": False}
    spec = study(lrs=(0.01, 0.001, 0.008), resources={"workers": 2}, scheduler=scheduler, max_retries=1)
    folder, watch = new_run(spec), GroupWatch()
    with machines(1, 1) as address:
        run_study(spec, folder, options("stop_or_die", address=address, progress=watch))
    run = open_run(folder.path)
    assert [trial.status for trial in run.trials] == ["finished", "stopped", "stopped"], [trial.reason for trial in run.trials]
    assert watch.left == []
    assert [trial.retries for trial in run.trials] == [1, 0, 0]
    assert [point.step for point in run.trials[0].reports] == [10, 20, 30, 40]
    assert run.trials[0].facts["workers"] == 2
    stopped = run.trials[1]
    assert stopped.reports[-1].step == 10
    assert stopped.ended is not None
    for rank in (0, 1):
        notes = fake_fit.life(folder.trial(1), rank)
        assert notes, f"rank {rank} ran"
        assert float(str(notes[-1]["time"])) < stopped.ended + 2.0, "workers are gone within 2 s"
        starts = [note["start"] for note in fake_fit.life(folder.trial(0), rank) if "start" in note]
        assert starts == [0, 10], "after its worker was killed the trial went on from its checkpoint"
    assert not list(folder.trials.glob("*/ray_train"))


@pytest.mark.ray
def test_a_failure_of_any_rank_ends_the_trial_and_the_next_one_starts(new_run: NewRun, options: Options) -> None:
    """Without help the other rank would wait in its barrier for half an hour."""
    spec = study(lrs=(0.001, 0.002, 0.003, 0.004), resources={"workers": 2}, max_retries=1)
    folder = new_run(spec)
    began = time.monotonic()
    run_study(spec, folder, options("one_rank_fails"))
    assert time.monotonic() - began < 240, "twenty seconds, or minutes on busy processors"
    trials = open_run(folder.path).trials
    assert [(trial.status, trial.retries) for trial in trials] == [
        ("diverged", 0),
        ("out_of_memory", 0),
        ("failed", 1),
        ("finished", 0),
    ], [trial.reason for trial in trials]
    assert trials[0].reason == "Diverged: the loss is NaN"
    assert trials[1].reason == "OutOfMemory: 24 GiB were not enough"
    assert "ZeroDivisionError" in trials[2].reason
    assert [trial.step for trial in trials] == [10, 10, 10, 40]
    for number, text in ((0, "the loss is NaN"), (1, "24 GiB"), (2, "a bug")):
        assert text in (folder.trial(number) / "log.txt").read_text(), "also what another rank than 0 says"


class KillTrialProcess:
    """Kills the process of a trial (not of its worker) when a trial has reported."""

    def __init__(self) -> None:
        self.killed = False

    def on_session(self, session: Any) -> None:
        pass

    def on_trouble(self, text: str) -> None:
        raise AssertionError(text)

    def on_event(self, event: Event, summary: Any) -> None:
        if isinstance(event, TrialReported) and not self.killed:
            actors = ray._private.state.actors().values()
            drivers = [actor["Pid"] for actor in actors if actor["ActorClassName"].endswith("ResourceTrainable")]
            os.kill(drivers[0], signal.SIGKILL)
            self.killed = True


@pytest.mark.ray
def test_as_many_trials_as_there_are_cpus_finish_even_if_the_process_of_one_is_killed(new_run: NewRun, options: Options) -> None:
    spec = study(lrs=(0.001, 0.002), resources={"trainer": "ray_train"}, max_retries=1)
    folder, killer = new_run(spec), KillTrialProcess()
    run_study(spec, folder, options("slow", progress=killer))
    trials = open_run(folder.path).trials
    assert [trial.status for trial in trials] == ["finished", "finished"]
    assert killer.killed
    assert sorted(trial.retries for trial in trials) == [0, 1]
    assert all([point.step for point in trial.reports] == [10, 20, 30, 40] for trial in trials)


@pytest.mark.ray
def test_two_workers_give_the_curve_of_one(new_run: NewRun, options: Options, tmp_path: Path) -> None:
    """The real `fit`, with the same global batch; sums over two halves differ from one sum in the last bits only."""
    draw = np.random.default_rng(0)
    for split, count in (("train", 2), ("validation", 1), ("test", 1)):
        folder = tmp_path / "photographs" / split
        folder.mkdir(parents=True)
        for number in range(count):
            pixels = draw.integers(0, 256, (6, 6, 3), dtype=np.uint8).repeat(12, 0).repeat(12, 1)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    root = tmp_path / "photographs"
    photographs = {
        "kind": "folder",
        "train": [str(root / "train")],
        "validation": [str(root / "validation")],
        "test": {"far": [str(root / "test")]},
    }
    trial = {
        **TRIAL,
        "data": photographs,
        "patch": {"size": 24},
        "task": "demosaic",
        "model": {"kind": "deepjdd", "width": 4, "depth": 2, "padding": "same"},  # batch statistics would see half a batch
        "steps": 12,
        "batch": 4,
        "evaluate": {"every": 4},
    }
    spec = study(lrs=(0.002,), resources={"workers": 2}, trial=trial, max_retries=0)
    run = new_run(spec)
    run_study(spec, run, options(DEFAULT_FIT))
    found = open_run(run.path).trials[0]
    assert found.status == "finished", found.reason

    alone = ListReporter()
    io = TrialIO(tmp_path / "alone", tmp_path / "cache", SingleWorld(), torch.device("cpu"), "validation")
    fit(TrialConfig.parse(found.config), io, alone)
    assert [point.step for point in found.reports] == [report.step for report in alone.reports] == [4, 8, 12]
    for point, report in zip(found.reports, alone.reports, strict=True):
        for name in ("psnr", "ssim", "loss"):
            assert point.metrics[name] == pytest.approx(report.metrics[name], rel=1e-4)


def test_internals_are_for_the_tested_ray_only() -> None:
    require_tested_ray(ray.__version__)
    with pytest.raises(ClusterError, match=r"Ray 2\.61\.0 is installed"):
        require_tested_ray("2.61.0")
