"""A serial search with early stopping, killed anywhere and rebuilt from its journal, makes the same proposals bit by bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from raysearch.results.events import Event, Leaf, TrialEnded, TrialReported, TrialStarted
from raysearch.results.goals import Goals
from raysearch.results.replay import Replay
from raysearch.search.job import Reported
from raysearch.search.methods import scheduler_of, searcher_of
from raysearch.search.proposals import Proposer
from raysearch.search.surrogates.crossing import Surface
from raysearch.search.verdicts import Verdicts

SURFACE = Surface()
GOALS = Goals.one("psnr", "max")


class Driver:
    """What a driver does of a study, one trial at a time, with a list for a journal."""

    def __init__(self, scheduler: str, journal: Sequence[Event]) -> None:
        self.journal = list(journal)
        self.verdicts = Verdicts(scheduler_of(scheduler).build(SURFACE.rungs), GOALS)
        self.verdicts.replay(self.journal)
        searcher = searcher_of("tpe", enough=8, startup_trials=5)
        self.proposer = Proposer(SURFACE.space, searcher, GOALS, 3, (), self.verdicts.telling)
        replay = Replay()
        for event in self.journal:
            replay.add(event)
        self.trials = list(replay.trials())
        for record in self.trials:
            self.proposer.restore(record)
        self.number = len(self.trials)

    def run(self, trials: int) -> list[Event]:
        """Go on with an interrupted trial, then run new ones; return the whole journal."""
        for record in self.trials:
            if record.status is None:
                self._train(record.number, record.values, len(record.reports))
        while self.number < trials:
            proposal = self.proposer.suggest(self.number)
            assert proposal is not None
            self.journal.append(_started(self.number, proposal.values))
            self._train(self.number, proposal.values, 0)
            self.number += 1
        return self.journal

    def _train(self, number: int, values: Mapping[str, Leaf], done: int) -> None:
        curve = SURFACE.course(values, number).values
        step, goes_on = done, True
        if done:  # a resumed trial sends its last report again
            goes_on = self.verdicts.of(number, Reported(done, SURFACE.rungs, {"psnr": float(curve[done - 1])}, 0.0))
        while goes_on and step < SURFACE.rungs:
            step += 1
            value = float(curve[step - 1])
            goes_on = self.verdicts.of(number, Reported(step, SURFACE.rungs, {"psnr": value}, 0.0))
            self.journal.append(TrialReported(time=0, trial=number, step=step, metrics={"psnr": value}))
            self.proposer.report(number, step, value)
        status = "finished" if step == SURFACE.rungs else "stopped"
        value = float(curve[step - 1])
        self.journal.append(TrialEnded(time=0, trial=number, status=status, step=step, value=value, seconds=0, reason="", facts={}))
        self.proposer.tell(number, status, value)


def _started(number: int, values: Mapping[str, Leaf]) -> TrialStarted:
    return TrialStarted(
        time=0,
        trial=number,
        phase="search",
        role="suggested",
        source=None,
        values=dict(values),
        config={},
        seed=0,
        steps=SURFACE.rungs,
    )


@pytest.mark.parametrize("scheduler", ["asha", "hyperband", "median"])
def test_a_killed_serial_search_goes_on_bit_by_bit(scheduler: str) -> None:
    whole = Driver(scheduler, []).run(40)
    assert Driver(scheduler, []).run(40) == whole, "the same seed gives the same search"
    stopped = sum(isinstance(event, TrialEnded) and event.status == "stopped" for event in whole)
    assert 10 < stopped < 38
    for cut in (30, len(whole) // 2, len(whole) - 3):
        assert Driver(scheduler, whole[:cut]).run(40) == whole
