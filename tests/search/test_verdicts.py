"""What a scheduler is asked, and that its state comes back from the journal."""

from __future__ import annotations

import pytest

from raysearch.results.events import Event, TrialReported, TrialStarted
from raysearch.results.goals import Goals
from raysearch.search.job import Reported
from raysearch.search.schedulers.asha import Config as Asha
from raysearch.search.schedulers.base import Scheduler, Scores
from raysearch.search.verdicts import Verdicts


class Listening(Scheduler):
    """Lets positive scores go on and keeps what it was shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, Scores]] = []

    def report(self, trial: int, step: int, scores: Scores) -> bool:
        self.seen.append((trial, step, scores))
        return scores[0] > 0

    def telling(self) -> tuple[int, ...]:
        return ()


def reported(step: int, psnr: float, steps: int = 40) -> Reported:
    return Reported(step, steps, {"psnr": psnr, "loss": 0.1}, 1.0)


def test_each_report_is_asked_for_once_and_its_answer_stays() -> None:
    scheduler = Listening()
    verdicts = Verdicts(scheduler, Goals.one("psnr", "max"))
    assert verdicts.of(3, reported(10, 1.0))
    assert not verdicts.of(3, reported(20, -1.0))
    assert not verdicts.of(3, reported(20, 1.0)), "a trial that comes again with its last report gets the same answer"
    assert scheduler.seen == [(3, 10, (1.0,)), (3, 20, (-1.0,))]


def test_a_trial_at_its_full_length_is_never_stopped() -> None:
    assert Verdicts(Listening(), Goals.one("psnr", "max")).of(0, reported(40, -1.0))


def test_less_is_better_when_the_study_says_so() -> None:
    assert not Verdicts(Listening(), Goals.one("psnr", "min")).of(0, reported(10, 5.0))


@pytest.mark.parametrize("cut", range(9))
def test_a_killed_driver_decides_as_one_that_lived(cut: int) -> None:
    """Three trials interleaved: whatever part of the reports the journal holds, the rest gets the same verdicts."""
    story = [
        (0, 10, 5.0),
        (1, 10, 6.0),
        (2, 10, 1.0),
        (1, 20, 6.5),
        (0, 20, 7.0),
        (3, 10, 5.5),
        (3, 20, 6.9),
        (4, 10, 0.0),
        (5, 10, 9.0),
    ]
    config = Asha(first_rung=10, reduction=2)
    through = Verdicts(config.build(40), Goals.one("psnr", "max"))
    expected = [through.of(trial, reported(step, psnr)) for trial, step, psnr in story]
    journal: list[Event] = [
        TrialStarted(time=0, trial=n, phase="search", role="suggested", source=None, values={}, config={}, seed=n, steps=40)
        for n in range(6)
    ]
    journal += [TrialReported(time=0, trial=t, step=s, metrics={"psnr": p}) for t, s, p in story[:cut]]
    again = Verdicts(config.build(40), Goals.one("psnr", "max"))
    again.replay(journal)
    assert [again.of(trial, reported(step, psnr)) for trial, step, psnr in story[cut:]] == expected[cut:]
    assert True in expected
    assert False in expected
