"""Processes and machines that die, hang, or are asked to leave: rows 2 to 4, 10 and 15, in a local Ray and on two machines."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import fake_fit
import pytest
import ray
from invariants import check_complete, check_nothing_lost, check_released, check_report
from length import LONG
from ray.cluster_utils import Cluster
from small_study import study

from raysearch.results.events import Event, MachineAvoided, TrialReported, TrialRetried
from raysearch.results.folder import RunFolder
from raysearch.results.journal import read_journal
from raysearch.search.driver import run_study
from raysearch.search.options import DriverOptions
from raysearch.search.progress import NoProgress

pytestmark = pytest.mark.ray

NewRun = Callable[..., RunFolder]
Options = Callable[..., DriverOptions]


class AsksToLeave(NoProgress):
    """Sends SIGTERM to the process of trial 5 when it has reported, as a machine does that is about to go."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def on_event(self, event: Event, summary: Any) -> None:
        if isinstance(event, TrialReported) and event.trial == 5 and event.step == 10:
            pid = fake_fit.life(self.folder.trial(5))[-1]["pid"]
            os.kill(int(str(pid)), signal.SIGTERM)


def test_processes_that_die_hang_or_have_to_leave(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 7}, max_retries=1, faults={"stall_minutes": 0.05, "quarantine": None})
    folder = new_run(spec)
    outcome = run_study(spec, folder, options("faulty_fit:each_its_own", progress=AsksToLeave(folder)))
    run = check_nothing_lost(folder)
    assert outcome.exit_code == 0
    told = [(trial.status, trial.causes) for trial in run.trials]
    assert told == [
        ("finished", ("lost",)),
        ("finished", ("lost",)),
        ("finished", ("stalled",)),
        ("stalled", ("stalled",)),
        ("finished", ()),
        ("finished", ("preempted",)),
        ("finished", ()),
    ]
    log = folder.trial(3).joinpath("log.txt").read_text()
    assert log.count("wait_for_ever_in_a_lock") == 2, "the stack of each attempt"
    assert [point.step for point in run.trials[2].reports] == [10, 20, 30, 40]
    starts = [note["start"] for note in fake_fit.life(folder.trial(5)) if "start" in note]
    assert starts == [0, 20], "it went on from the checkpoint that it wrote when it was asked"
    check_released(folder)
    assert "asked to leave its machine" in check_report(folder, folder.report)


@pytest.mark.skipif(not LONG, reason="starts Ray Train twice: RAYSEARCH_LONG=1")
def test_a_rank_that_hangs_takes_its_trial_along_and_the_next_attempt_goes_on(new_run: NewRun, options: Options) -> None:
    spec = study(lrs=(0.002,), resources={"workers": 2}, max_retries=1, faults={"stall_minutes": 0.1})
    folder = new_run(spec)
    assert run_study(spec, folder, options("faulty_fit:one_rank_hangs_once")).exit_code == 0
    (trial,) = check_nothing_lost(folder).trials
    assert (trial.status, trial.causes) == ("finished", ("stalled",)), trial.reason
    assert [point.step for point in trial.reports] == [10, 20, 30, 40]
    check_report(folder, folder.report)


@contextmanager
def machines(*cpus: int) -> Iterator[Cluster]:
    """A cluster of so many machines on this one, behind a head that runs no trial."""
    cluster = Cluster()
    try:
        cluster.add_node(num_cpus=0, include_dashboard=False, object_store_memory=100 * 2**20)
        for count in cpus:
            cluster.add_node(num_cpus=count, object_store_memory=100 * 2**20)
        yield cluster
    finally:
        cluster.shutdown()


class BadMachine(NoProgress):
    """Marks the first machine with CPUs as bad as soon as the driver is connected."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.bad = ""

    def on_session(self, session: Any) -> None:
        nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
        self.bad = sorted(nodes)[0]
        (self.folder.path / "bad").write_text(self.bad)


class KillsMachine(NoProgress):
    """Kills the raylet of the machine on which the first trial reports, once."""

    def __init__(self, folder: RunFolder, cluster: Cluster) -> None:
        self.folder = folder
        self.cluster = cluster
        self.killed = ""

    def on_session(self, session: Any) -> None:
        (self.folder.path / "bad").write_text("")

    def on_event(self, event: Event, summary: Any) -> None:
        if isinstance(event, TrialReported) and not self.killed:
            self.killed = str(next(note["node"] for note in fake_fit.life(self.folder.trial(event.trial)) if "node" in note))
            (node,) = (node for node in self.cluster.worker_nodes if node.node_id == self.killed)
            self.cluster.remove_node(node, allow_graceful=False)


def nodes_of(folder: RunFolder) -> dict[int, list[str]]:
    """The machines on which each trial began, in order."""
    count = len(list(folder.trials.iterdir()))
    return {n: [str(note["node"]) for note in fake_fit.life(folder.trial(n)) if "node" in note] for n in range(count)}


def test_bad_machines_are_avoided_and_dead_ones_left(new_run: NewRun, options: Options) -> None:
    with machines(1, 1) as cluster:
        spec = study(budget={"trials": 4}, max_retries=5, faults={"quarantine": 1})
        folder = new_run(spec, "bad")
        bad = BadMachine(folder)
        outcome = run_study(spec, folder, options("faulty_fit:fails_on_bad_machine", address=cluster.address, progress=bad))
        assert outcome.exit_code == 0
        check_nothing_lost(folder)
        check_complete(folder)
        events = read_journal(folder.journal)
        (avoided,) = (event for event in events if isinstance(event, MachineAvoided))
        assert (avoided.machine, avoided.reason) == (bad.bad, "RuntimeError")
        losses = sum(isinstance(event, TrialRetried) for event in events)
        assert 1 <= losses <= 2, "one more may have been on its way there"
        assert all(nodes[-1] != bad.bad for nodes in nodes_of(folder).values()), "one at a time, on the other machine"
        assert "was avoided after trials had failed there" in check_report(folder, folder.report)

        spec = study(budget={"trials": 4}, max_retries=1)
        folder = new_run(spec, "killed")
        killer = KillsMachine(folder, cluster)
        outcome = run_study(spec, folder, options("faulty_fit:fails_on_bad_machine", address=cluster.address, progress=killer))
        assert outcome.exit_code == 0
        run = check_nothing_lost(folder)
        check_complete(folder)
        assert killer.killed
        moved = [trial for trial in run.trials if trial.causes]
        assert [trial.causes for trial in moved] == [("lost",)]
        assert nodes_of(folder)[moved[0].number][-1] != killer.killed, "it moved"
        check_report(folder, folder.report)
