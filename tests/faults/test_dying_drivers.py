"""Drivers that are killed or told to end (row 1), and a cluster whose head dies (row 3)."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable

import dry
import fake_fit
import pytest
from drivers import count, reported_to, start, wait_for
from invariants import check_complete, check_nothing_lost, check_released, check_report, check_same_result
from length import LONG
from machines import machines
from small_study import study

from raysearch.results.events import DriverStarted, Event, TrialEnded, TrialReported
from raysearch.results.folder import RunFolder
from raysearch.results.journal import read_journal
from raysearch.results.record import RunRecord
from raysearch.results.run import open_run
from raysearch.search.driver import resume_study, run_study
from raysearch.search.options import DriverOptions
from raysearch.search.progress import NoProgress
from raysearch.search.study import StudySpec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

NewRun = Callable[..., RunFolder]
Options = Callable[..., DriverOptions]

KILLS = 20 if LONG else 1


def spec() -> StudySpec:
    """One trial after another, so that all that is proposed and stopped follows from the seed."""
    return study(
        searcher={"kind": "tpe", "startup_trials": 3},
        scheduler={"kind": "asha", "first_rung": 10, "reduction": 2},
        budget={"trials": 5 * KILLS if LONG else 4},
        confirm={"top": 1, "seeds": 1, "baseline": {"recipe.optimizer.lr": 2e-4}},
        resources={"concurrent": 1},
        seed=11,
        lrs=(0.002, 0.004),
    )


@pytest.mark.ray
@pytest.mark.timeout(7200 if LONG else 600)
def test_a_study_outlives_its_drivers(new_run: NewRun, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each driver has a Ray of its own and is killed at a random moment; the last one is asked to end. The rest is then done."""
    draw, folder = random.Random(0), new_run(spec())
    earlier, start_up = [], 0.0
    for number in range(KILLS):
        began = time.monotonic()
        driver = start("resume" if number else "run", folder)
        if number == 0:
            wait_for(folder, lambda events: count(events, TrialEnded) > 0 and isinstance(events[-1], TrialReported), driver)
            start_up = time.monotonic() - began
        else:
            time.sleep(draw.uniform(0, 1.3 * start_up))
        driver.send_signal(signal.SIGKILL)
        assert driver.wait() == -signal.SIGKILL, "it was still at work"
        earlier.append(open_run(folder.path))
        check_released(folder, processes_of(folder))
        print(f"kill {number}: {len(earlier[-1].trials)} trials, {sum(t.status is not None for t in earlier[-1].trials)} ended")
    drivers = count(read_journal(folder.journal), DriverStarted)

    driver = start("resume", folder)
    wait_for(folder, reported_to(drivers), driver)
    driver.send_signal(signal.SIGTERM)
    assert driver.wait(timeout=60) == 128 + signal.SIGTERM
    earlier.append(open_run(folder.path))
    assert (earlier[-1].stopped, earlier[-1].ended) == ("interrupted", {})
    assert folder.holder() is None
    check_report(folder, folder.report)

    if not LONG:  # the journal is all that the rest needs
        dry.install(monkeypatch)
    assert resume_study(folder, options("quick")).exit_code == 0
    check_complete(folder)
    run = check_nothing_lost(folder, *earlier)
    check_report(folder, folder.report)
    dry.install(monkeypatch)
    check_same_result(run, undisturbed(new_run, options))


def processes_of(folder: RunFolder) -> set[int]:
    """The processes of trials, by what they noted."""
    return {int(str(note["pid"])) for path in folder.trials.glob("[0-9]*") for note in fake_fit.life(path)}


def undisturbed(new_run: NewRun, options: Options) -> RunRecord:
    folder = new_run(spec(), "undisturbed")
    assert run_study(spec(), folder, options("quick")).exit_code == 0
    return open_run(folder.path)


class Sends(NoProgress):
    """Sends this process a signal when the third trial has reported."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def on_event(self, event: Event, summary: object) -> None:
        if isinstance(event, TrialReported) and event.trial == 2:
            signal.raise_signal(self.number)


@pytest.mark.usefixtures("dry")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_study_in_an_orderly_way(new_run: NewRun, options: Options, number: signal.Signals) -> None:
    """The real signals that reach Ray too have their tests in tests/search/test_group_signals.py."""
    folder = new_run(spec())
    outcome = run_study(spec(), folder, options(progress=Sends(number)))
    assert (outcome.status, outcome.exit_code) == ("interrupted", 128 + number)
    before = open_run(folder.path)
    assert before.stopped == "interrupted"
    check_released(folder)
    check_report(folder, folder.report)
    assert resume_study(folder, options()).exit_code == 0
    check_same_result(check_nothing_lost(folder, before), undisturbed(new_run, options))


@pytest.mark.usefixtures("dry")
def test_a_closed_terminal_ends_nothing_that_was_started_to_outlive_it(
    new_run: NewRun, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``nohup raysearch run ...``"""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        folder = new_run(spec())
        assert run_study(spec(), folder, options(progress=Sends(signal.SIGHUP))).exit_code == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    check_complete(folder)


@pytest.mark.usefixtures("dry")
def test_a_second_interrupt_ends_the_driver_at_once(new_run: NewRun, options: Options) -> None:
    """Its trial takes two seconds, and the second signal comes long before that."""
    folder = new_run(spec())
    driver = start("dry-run", folder)
    wait_for(folder, reported_to(0), driver)
    for _ in range(2):
        driver.send_signal(signal.SIGINT)
        time.sleep(0.1)
    assert driver.wait(timeout=10) == 128 + signal.SIGINT
    before = open_run(folder.path)
    check_released(folder)
    assert resume_study(folder, options()).exit_code == 0
    check_same_result(check_nothing_lost(folder, before), undisturbed(new_run, options))


@pytest.mark.ray
@pytest.mark.skipif(not LONG, reason="the driver looks for its head for a minute: RAYSEARCH_LONG=1")
@pytest.mark.timeout(600)
def test_a_study_outlives_the_head_of_its_cluster(new_run: NewRun, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run(spec())
    with machines(1) as cluster:
        driver = start("run", folder, address=cluster.address)
        wait_for(folder, reported_to(0), driver)
        os.kill(cluster.head_node.all_processes["gcs_server"][0].process.pid, signal.SIGKILL)
        assert driver.wait(timeout=300) != 0
    before = open_run(folder.path)
    check_released(folder, processes_of(folder))
    with machines(1) as cluster:
        assert resume_study(folder, options("quick", address=cluster.address)).exit_code == 0
    run = check_nothing_lost(folder, before)
    check_complete(folder)
    dry.install(monkeypatch)
    check_same_result(run, undisturbed(new_run, options))
