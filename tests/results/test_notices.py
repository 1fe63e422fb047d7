"""Searched values that nothing reads, and configurations between which nothing differs."""

from __future__ import annotations

from dataclasses import replace

from raysearch.results.events import Event, TrialEnded, TrialReported, TrialStarted
from raysearch.results.notices import Watch, notices
from raysearch.results.replay import replay

CONFIG = {"sampler": {"keep": 0.5}, "steps": 10, "milestones": [1, 2]}


def story(number: int, x: float, psnr: float, unread: tuple[str, ...] = (), phase: str = "search") -> list[Event]:
    start = TrialStarted(
        time=1.0,
        trial=number,
        phase=phase,  # type: ignore[arg-type]
        role="suggested",
        source=None,
        values={"x": x, "y": 1},
        config=dict(CONFIG),
        seed=number,
        steps=10,
    )
    metrics = {"psnr": psnr, "train_seconds": float(number), "lr": x}
    end = TrialEnded(
        time=2.0, trial=number, status="finished", step=10, value=psnr, seconds=1.0, reason="", facts={}, unread=unread
    )
    return [start, TrialReported(time=1.5, trial=number, step=10, metrics=metrics), end]


def told(events: list[Event]) -> list[str]:
    watch = Watch()
    return [sentence for event in events for sentence in watch.feed(event)]


def test_what_no_training_reads_is_told_once() -> None:
    events = [*story(0, 1.0, 20.0, ("sampler.keep",)), *story(1, 2.0, 21.0, ("sampler.keep", "milestones.1"))]
    assert told(events) == [
        "sampler.keep is searched, and trial 0 never read it",
        "milestones.1 is searched, and trial 1 never read it",
    ]
    found = notices(replay(events))
    assert found == ("sampler.keep is searched, and the training never reads it (trials 0, 1)",), "trial 0 read the milestone"


def test_identical_curves_of_different_values_are_told() -> None:
    events = [*story(0, 1.0, 20.0), *story(1, 2.0, 20.0), *story(2, 1.0, 20.0), *story(3, 3.0, 20.0 + 1e-12)]
    assert told(events) == ["trials 0 and 1 have identical curves, and differ in x"]
    (found,) = notices(replay(events))
    assert found == "trials 0, 1, 2 have identical curves, and differ in x: nothing depends on these values"


def test_seeds_of_one_configuration_and_other_phases_are_no_reason() -> None:
    events = [*story(0, 1.0, 20.0), *story(1, 1.0, 20.0), *story(2, 2.0, 20.0, ("steps",), phase="confirm")]
    assert told(events) == []
    assert notices(replay(events)) == ()
    assert notices([replace(trial, origin="r/1") for trial in replay([*story(0, 1.0, 20.0), *story(1, 2.0, 20.0)])]) == ()
