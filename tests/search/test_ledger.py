from __future__ import annotations

import math
from typing import Any

import pytest
from small_study import study

from raysearch.results.events import Event, PhaseEnded, Status, TrialEnded, TrialReported, TrialRetried, TrialStarted
from raysearch.results.replay import replay
from raysearch.search import ledger as ledgers
from raysearch.search.budget import Limits
from raysearch.search.entries import NewTrial
from raysearch.search.job import Ended, Job, Message, Reported, message_from_json, message_to_json, to_result
from raysearch.search.ledger import Ledger
from raysearch.search.progress import Summary
from raysearch.search.sources import confirm_seeds, plan_confirmation, trial_seed


class Seen:
    def __init__(self) -> None:
        self.seen: list[tuple[Event, Summary]] = []

    def on_event(self, event: Event, summary: Summary) -> None:
        self.seen.append((event, summary))


def ledger(events: list[Event], *observers: Any, mode: Any = "max", gpus: float = 0.0, earlier: bool = False) -> Ledger:
    records = replay(events) if earlier else ()
    return Ledger(events.append, metric="psnr", mode=mode, gpus=gpus, observers=observers, earlier=records)


def trial() -> NewTrial:
    return NewTrial("suggested", None, {"x": 1}, {}, 0, 40)


def end(status: Status, value: float | None, seconds: float = 5.0) -> Ended:
    return Ended(status, 40, value, seconds, "", {})


def reported(step: int, value: float, seconds: float = 1.0) -> Reported:
    return Reported(step, 40, {"psnr": value, "train_seconds": seconds}, seconds)


def test_the_journal_is_written_before_anyone_is_told() -> None:
    events: list[Event] = []

    class Checks:
        def on_event(self, event: Event, summary: Summary) -> None:
            assert events[-1] is event

    book = ledger(events, Checks())
    number = book.start(trial())
    book.reported(number, reported(10, 20.0))
    book.retried(number, "lost")
    book.ended(number, end("finished", 21.0))
    book.end_phase("trials")
    assert [type(event) for event in events] == [TrialStarted, TrialReported, TrialRetried, TrialEnded, PhaseEnded]


@pytest.mark.parametrize(("mode", "best"), [("max", 2), ("min", 1)])
def test_the_best_is_finished_and_the_first_of_equals(mode: str, best: int) -> None:
    seen = Seen()
    book = ledger([], seen, mode=mode)
    ends: list[tuple[Status, float | None]] = [
        ("stopped", 99.0 if mode == "max" else -99.0),
        ("finished", 20.0),
        ("finished", 30.0),
        ("diverged", None),
        ("finished", 30.0 if mode == "max" else 20.0),
    ]
    for status, value in ends:
        book.ended(book.start(trial()), end(status, value))
    found = book.best()
    assert found is not None
    assert found.trial == best
    assert book.ranking()[0].number == best
    assert seen.seen[-1][1].counts == {"stopped": 1, "finished": 3, "diverged": 1}


def test_a_step_that_was_reported_before_is_not_written_again() -> None:
    events: list[Event] = []
    book = ledger(events)
    number = book.start(trial())
    assert [book.reported(number, reported(step, 1.0)) for step in (10, 10, 20, 10)] == [True, False, True, False]
    again = ledger(events, earlier=True)
    assert [again.reported(number, reported(step, 1.0)) for step in (20, 30)] == [False, True]


def test_after_a_failed_write_nothing_is_written_any_more() -> None:
    """Ray Tune catches exceptions of callbacks in places and would tell of a failed trial next."""
    events: list[Event] = []
    full = [False]

    def append(event: Event) -> None:
        if full[0]:
            raise OSError("disk full")
        events.append(event)

    book = Ledger(append, metric="psnr", mode="max", gpus=0, observers=())
    number = book.start(trial())
    full[0] = True
    with pytest.raises(OSError, match="disk full"):
        book.ended(number, end("finished", 1.0))
    full[0] = False
    with pytest.raises(OSError, match="disk full"):
        book.ended(number, end("failed", None))
    assert len(events) == 1


def test_numbers_are_dense_over_phases_and_drivers() -> None:
    events: list[Event] = []
    book = ledger(events)
    assert [book.start(trial()) for _ in range(2)] == [0, 1]
    book.phase = "confirm"
    assert book.start(trial()) == 2
    assert ledger(events, earlier=True).next_number() == 3


def test_time_is_summed_over_the_processes_of_a_trial() -> None:
    events: list[Event] = []
    book = ledger(events, gpus=2)
    number = book.start(trial())
    book.reported(number, reported(10, 1.0, seconds=100.0))
    book.retried(number, "lost")
    book.reported(number, reported(20, 1.0, seconds=50.0))
    assert book.trial_seconds == 150.0
    book.ended(number, end("finished", 1.0, seconds=80.0))
    assert book.trial_seconds == 180.0
    assert book.gpu_hours == pytest.approx(0.1)
    assert ledger(events, gpus=2, earlier=True).gpu_hours == pytest.approx(0.1)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(ledgers.time, "monotonic", lambda: now[0])

    def limits(book: Ledger, **budget: Any) -> Limits:
        return Limits(study(budget=budget).budget, book, 2)

    book = ledger([], gpus=1)
    assert limits(book).reached() == ""
    timed, hours, counted, failing = (
        limits(book, minutes=1),
        limits(book, gpu_hours=0.1),
        limits(book, trials=2),
        limits(book, max_failed=0),
    )
    book.ended(book.start(trial()), end("failed", None, seconds=359.0))
    assert [one.reached() for one in (timed, hours, counted, failing)] == ["", "", "", "failed"]
    now[0] = 60.0
    book.ended(book.start(trial()), end("diverged", None, seconds=1.0))
    assert [one.reached() for one in (timed, hours, counted)] == ["time", "gpu_hours", "trials"]
    assert limits(book, minutes=4).reached() == "time", "360 s on two at a time were 3 minutes, and one passed now"
    assert limits(book, minutes=5).reached() == ""


MESSAGES: list[Message] = [
    Reported(10, 40, {"psnr": 1 / 3, "sampler/kept": 0.5}, 1.5),
    Ended("finished", 40, 31.25, 2.0, "", {"parameters": 5, "device": "cpu", "x": None}),
    Ended("failed", 0, None, 0.0, "</script> \u2603 \n", {}),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_survive_the_trip(message: Message) -> None:
    assert message_from_json(message_to_json(message)) == message


def test_tune_sees_one_text_and_the_end() -> None:
    assert set(to_result(reported(10, 1.0))) == {"message"}
    assert to_result(end("failed", None)) == {"message": message_to_json(end("failed", None)), "done": True}


def test_jobs_survive_the_trip() -> None:
    job = Job(3, '{"a": 1e-4}', "/x y", "/c", "test", "psnr", 2, 1, 0.5, "m:f", True)
    assert Job.from_json(job.to_json()) == job


def test_seeds_are_fresh_fixed_and_fit_31_bits() -> None:
    searched = [trial_seed(7, number) for number in range(200)]
    fresh = confirm_seeds(7, 5, frozenset(searched))
    assert fresh == confirm_seeds(7, 5, frozenset(searched))
    assert len({*searched, *fresh}) == 205
    assert all(0 <= seed < 2**31 for seed in (*searched, *fresh))
    shifted = confirm_seeds(7, 5, frozenset(fresh[:2]))
    assert shifted[:3] == fresh[2:], "a seed that the search used is passed over"


def test_the_confirmation_compares_on_equal_seeds() -> None:
    spec = study(confirm={"top": 2, "seeds": 3, "baseline": {"recipe.optimizer.lr": 5e-4}})
    events: list[Event] = []
    book = ledger(events)
    for number, lr in enumerate((0.001, 0.004, 0.002)):
        config = spec.trial.bind({"recipe.optimizer.lr": lr}, trial_seed(0, number))
        book.start(NewTrial("suggested", None, {"recipe.optimizer.lr": lr}, config.model_dump(mode="json"), config.seed, 40))
        book.ended(number, end("finished", lr))
    planned = plan_confirmation(spec, replay(events), [entry.number for entry in book.ranking()])
    assert [one.role for one in planned] == ["baseline", "top1", "top2"] * 3
    assert [one.source for one in planned[:3]] == [1, 1, 2]
    rates = [one.config["recipe"]["optimizer"]["lr"] for one in planned[:3]]  # type: ignore[index]
    assert rates == [5e-4, 0.004, 0.002]
    assert [{one.seed for one in planned[i : i + 3]} for i in (0, 3, 6)] == [{planned[i].seed} for i in (0, 3, 6)]
    assert all(one.config["seed"] == one.seed and math.isfinite(one.steps) for one in planned)
    assert plan_confirmation(spec, replay(events), []) == []


def test_a_runner_up_that_is_the_baseline_is_confirmed_once() -> None:
    spec = study(confirm={"top": 3, "seeds": 3, "baseline": {"recipe.optimizer.lr": 2e-3}})
    events: list[Event] = []
    book = ledger(events)
    for number, lr in enumerate((0.001, 0.004, 0.002)):
        config = spec.trial.bind({"recipe.optimizer.lr": lr}, trial_seed(0, number))
        book.start(NewTrial("suggested", None, {"recipe.optimizer.lr": lr}, config.model_dump(mode="json"), config.seed, 40))
        book.ended(number, end("finished", lr))
    ranking = [entry.number for entry in book.ranking()]
    assert [one.role for one in plan_confirmation(spec, replay(events), ranking)] == ["baseline", "top1", "top3"] * 3
    winner_first = [2, 1, 0]
    assert [one.role for one in plan_confirmation(spec, replay(events), winner_first)] == ["baseline", "top1", "top2", "top3"] * 3
