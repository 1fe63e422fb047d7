"""Processes and machines that die, hang, or are asked to leave: rows 2 to 4, 10 and 15, in a local Ray and on two machines."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable
from typing import Any

import fake_fit
import pytest
import ray
from drivers import count, reported_to, start, wait_for
from invariants import check_complete, check_nothing_lost, check_released, check_report
from length import LONG
from machines import add_machine, machines
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
    with machines(0, 1, 1) as cluster:
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


def last_attempt(folder: RunFolder, number: int) -> tuple[float, float]:
    """When a trial's last attempt began and when it was last seen."""
    notes = fake_fit.life(folder.trial(number))
    began = [note["time"] for note in notes if "node" in note][-1]
    return float(str(began)), float(str(notes[-1]["time"]))


@pytest.mark.skipif(not LONG, reason="starts four machines one after another: RAYSEARCH_LONG=1")
def test_a_study_waits_for_a_machine_and_uses_those_that_are_added(new_run: NewRun) -> None:
    """As when an autoscaler replaces a machine; ``resources.concurrent`` says what the cluster may grow to."""
    with machines(0, 1) as cluster:
        folder = new_run(study(budget={"trials": 4}, max_retries=1, resources={"concurrent": 2}))
        (folder.path / "bad").write_text("")
        driver = start("run", folder, "faulty_fit:fails_on_bad_machine", cluster.address)
        wait_for(folder, reported_to(0), driver)
        (first,) = cluster.worker_nodes
        cluster.remove_node(first, allow_graceful=False)
        wait_for(folder, lambda events: count(events, TrialRetried) > 0, driver)
        for _ in range(2):
            add_machine(cluster, 1)
        assert driver.wait(timeout=120) == 0
    run = check_nothing_lost(folder)
    check_complete(folder)
    assert [trial.causes for trial in run.trials if trial.causes] == [("lost",)], "the one that ran on the machine that went"
    ran_on = nodes_of(folder)
    assert ran_on[0][0] == first.node_id
    later = {node for nodes in ran_on.values() for node in nodes} - {first.node_id}
    assert len(later) == 2, "both machines that came were used"
    spans = sorted(last_attempt(folder, number) for number in ran_on)
    assert any(later < end for (_, end), (later, _) in itertools.pairwise(spans)), "two ran at once"
    check_report(folder, folder.report)
