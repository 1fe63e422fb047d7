from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import pytest
from run_story import NASTY, SPEC, ended, phase_ended, reported, started, story

from raysearch.results.events import Event
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal
from raysearch.results.record import RunRecord
from raysearch.results.run import open_run
from raysearch.results.summary import Best, Failure, best_of, failures_of, summary

Make = Callable[[Sequence[Event]], RunFolder]


@pytest.fixture
def record(run: RunFolder) -> RunRecord:
    return open_run(run.path)


def test_a_run_in_numbers(record: RunRecord) -> None:
    found = summary(record)
    assert (found.name, found.state, found.metric, found.mode) == ("tiny", "interrupted", "psnr", "max")
    assert found.counts == {"finished": 1, "diverged": 1, "unfinished": 2}
    assert summary(replace(record, holder="process 1")).counts == {"finished": 1, "diverged": 1, "running": 2}
    assert (found.planned, found.ended) == (4 + 2 * 2, 2)
    assert found.best == Best(0, 30.0, 100, True)
    assert found.seconds == 12.0 + 12.0 + 5.0 + 5.0
    assert found.gpu_hours == pytest.approx(34.0 / 3600 * 2 * 0.5)
    assert (found.wall_seconds, found.eta_seconds) == (6.0, None)
    assert found.failures == (Failure("diverged", NASTY, (2,)),)
    json.dumps(asdict(found), allow_nan=False)


def test_the_guess_of_the_time_left(record: RunRecord) -> None:
    """8 planned, 2 ended with 12 s each, 2 running half done: 5 trials of 12 s are left, two at a time."""
    assert summary(replace(record, holder="process 1")).eta_seconds == pytest.approx((8 - 2 - 2 * 0.5) * 12 / 2)


@pytest.mark.parametrize(
    ("holder", "stopped", "state"),
    [("p", "", "running"), ("p", "done", "running"), ("", "", "interrupted"), ("", "interrupted", "interrupted"),
     ("", "done", "done"), ("", "error", "failed")],
)  # fmt: skip
def test_the_state_of_a_run(record: RunRecord, holder: str, stopped: str, state: str) -> None:
    assert summary(replace(record, holder=holder, stopped=stopped)).state == state


@pytest.mark.parametrize("stopped", ["", "done", "error"])
def test_a_damaged_run_is_called_so_unless_it_is_held(run: RunFolder, stopped: str) -> None:
    changed = bytearray(run.journal.read_bytes())
    changed[changed.index(b"\n") + 9] ^= 1
    run.journal.write_bytes(changed)
    record = replace(open_run(run.path), stopped=stopped)
    assert summary(record).state == "damaged"
    assert summary(replace(record, holder="process 1")).state == "running"


def test_a_torn_tail_is_no_damage_and_a_contradiction_is(run: RunFolder) -> None:
    run.journal.write_bytes(run.journal.read_bytes()[:-5])
    assert summary(open_run(run.path)).state == "interrupted"
    with Journal.open(run.path / "other.jsonl") as journal:
        journal.append(ended(7, 1.0))
    (run.path / "other.jsonl").replace(run.journal)
    assert summary(open_run(run.path)).state == "damaged"


def test_breaks_between_drivers_take_no_time(make_run: Make) -> None:
    first = story()[0]
    later = [first.model_copy(update={"time": time}) for time in (100.0, 5000.0, 9000.0)]
    events = [later[0], started(0, 103.0), later[1], reported(0, 50, 28.0, time=5010.0), later[2], ended(0, 30.0, time=9002.0)]
    assert summary(open_run(make_run(events).path)).wall_seconds == 3.0 + 10.0 + 2.0


def test_while_nothing_has_finished_the_best_is_the_best_last_evaluation(make_run: Make) -> None:
    events: list[Event] = [
        started(0), reported(0, 50, 35.0), reported(0, 100, 28.0),
        started(1), reported(1, 50, 29.0), ended(1, 29.0, "stopped"),
        started(2), reported(2, 50, 99.0), ended(2, None, "diverged"),
        started(3, phase="confirm"), reported(3, 50, 98.0),
    ]  # fmt: skip
    record = open_run(make_run(events).path)
    assert summary(record).best == Best(1, 29.0, 50, False)
    assert best_of(record.trials, "psnr", "min") == Best(0, 28.0, 100, False)
    assert best_of(record.trials, "ssim", "max") is None


def test_of_equal_trials_the_first_is_best_and_stopped_ones_are_not_compared_with_finished_ones(make_run: Make) -> None:
    events: list[Event] = [started(0), ended(0, 40.0, "stopped"), started(1), ended(1, 30.0), started(2), ended(2, 30.0)]
    record = open_run(make_run(events).path)
    for mode in ("max", "min"):
        assert best_of(record.trials, "psnr", mode) == Best(1, 30.0, 100, True)


def test_failures_are_grouped_by_cause(make_run: Make) -> None:
    causes = ["out of disk", "lost", "lost", "out of disk", "lost"]
    events: list[Event] = []
    for number, cause in enumerate(causes):
        events += [started(number), ended(number, None, "failed", reason=cause)]
    events += [started(5), ended(5, None, "out_of_memory", reason="lost")]
    assert failures_of(open_run(make_run(events).path).trials) == (
        Failure("failed", "lost", (1, 2, 4)),
        Failure("failed", "out of disk", (0, 3)),
        Failure("out_of_memory", "lost", (5,)),
    )


def test_a_search_that_has_ended_early_plans_no_more(make_run: Make) -> None:
    record = open_run(make_run([*story()[:-2], phase_ended("search"), started(3, phase="confirm")]).path)
    assert summary(record).planned == 3 + 4
    assert summary(replace(record, spec=SPEC | {"confirm": {"top": 3, "seeds": 2}})).planned == 3 + 4, "one trial has finished"
    assert summary(replace(record, ended={"search": "time", "confirm": "trials"})).planned == 3 + 1
    assert summary(replace(record, spec=SPEC | {"confirm": {"top": 0, "seeds": 3}}, trials=record.trials[:3])).planned == 3


@pytest.mark.parametrize("spec", [{}, {"objective": 3, "budget": [], "confirm": None, "resources": {"gpus_per_worker": "x"}}])
def test_a_study_that_can_not_be_read_gives_what_there_is(record: RunRecord, spec: dict[str, object]) -> None:
    found = summary(replace(record, spec=spec, holder="p"))
    assert (found.metric, found.mode, found.planned, found.eta_seconds, found.gpu_hours) == ("psnr", "max", None, None, 0.0)
    assert found.best == Best(0, 30.0, 100, True)
    mute = tuple(replace(trial, reports=()) for trial in record.trials)
    assert summary(replace(record, spec=spec, trials=mute)).metric == "", "nothing says what was measured"
