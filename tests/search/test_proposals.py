from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from raysearch.component import find
from raysearch.errors import StateDamaged
from raysearch.results.events import Status
from raysearch.results.goals import Goals
from raysearch.results.record import ReportedPoint, TrialRecord
from raysearch.search.proposals import Proposer
from raysearch.spec.space import Space

SPACE = Space.parse(
    {"a": {"float": [1e-4, 1e-1], "log": True}, "b": {"one_of": [{"kind": "x"}, {"kind": "y", "depth": {"int": [1, 5]}}]}}
)
FINITE = Space.parse({"a": {"choice": [1, None, "z"]}, "b": {"one_of": [{"kind": "x"}, {"kind": "y", "depth": {"int": [1, 3]}}]}})
SEARCHERS = ["random", "tpe"]


def proposer(
    searcher: str,
    space: Space = SPACE,
    seed: int = 5,
    published: Any = (),
    telling: Callable[[], tuple[int, ...]] = tuple,
    **fields: Any,
) -> Proposer:
    config = find("raysearch.search.searchers", searcher).parse({"kind": searcher, **fields})
    return Proposer(space, config, Goals.one("psnr", "max"), seed, published, telling)  # type: ignore[arg-type]


def quality(values: dict[str, Any]) -> float:
    return float(values["a"]) + values.get("b.y.depth", 0)


def record(
    number: int, values: dict[str, Any], status: Status | None, value: float | None, steps: tuple[int, ...] = ()
) -> TrialRecord:
    reports = tuple(ReportedPoint(step, {"psnr": float(step)}, 0.0) for step in steps)
    return TrialRecord(number, "search", "suggested", None, values, {}, 0, 100, status, 0, value, 0.0, "", 0, {}, reports, 0.0)


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_a_serial_search_is_the_same_across_a_restart(searcher: str) -> None:
    undisturbed = proposer(searcher, **({"startup_trials": 4} if searcher == "tpe" else {}))
    history = []
    for number in range(14):
        values = undisturbed.suggest(number).values  # type: ignore[union-attr]
        status: Status = "diverged" if number % 5 == 4 else "stopped" if number % 5 == 3 else "finished"
        undisturbed.report(number, 10, 10.0)
        undisturbed.tell(number, status, quality(values) if status != "diverged" else None)
        history.append(record(number, values, status, quality(values) if status != "diverged" else None, (10,)))
    for cut in (3, 9):
        resumed = proposer(searcher, **({"startup_trials": 4} if searcher == "tpe" else {}))
        for one in history[:cut]:
            resumed.restore(one)
        for one in history[cut:]:
            assert resumed.suggest(one.number).values == one.values  # type: ignore[union-attr]
            resumed.report(one.number, 10, 10.0)
            resumed.tell(one.number, one.status, one.value)  # type: ignore[arg-type]


TOLD: dict[Status, TrialState] = {
    "finished": TrialState.COMPLETE,
    "stopped": TrialState.FAIL,  # has no value at full length
    "diverged": TrialState.PRUNED,  # without a report: Optuna's worst
    "out_of_memory": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


def test_each_outcome_is_told_as_what_it_is_and_none_is_left_running() -> None:
    search = proposer("random")
    for number, status in enumerate(TOLD):
        search.suggest(number)
        search.report(number, 10, 99.0)
        search.tell(number, status, 1.0 if status == "finished" else 99.0 if status == "stopped" else None)
    trials = search.study.get_trials()
    assert [trial.state for trial in trials] == list(TOLD.values())
    assert not any(trial.intermediate_values for trial in trials)
    assert search.study.best_value == 1.0, "a trial that was stopped early is never the best"


def test_restored_outcomes_are_told_as_what_they_are() -> None:
    first = proposer("random")
    values = first.suggest(0).values  # type: ignore[union-attr]
    search = proposer("random")
    search.restore(record(0, values, "stopped", 40.0, (10, 20)))
    search.restore(record(1, values, "diverged", None, (10,)))
    search.restore(record(2, values, None, None, (10,)))
    states = [trial.state for trial in search.study.get_trials()]
    assert states == [TrialState.FAIL, TrialState.PRUNED, TrialState.RUNNING]
    assert search.study.get_trials()[2].params == values
    search.tell(2, "finished", 3.0)
    assert search.study.best_value == 3.0


def test_the_model_learns_from_the_longest_length_that_enough_trials_have_and_never_mixes_two() -> None:
    rungs: tuple[int, ...] = (10, 30)
    search = proposer("tpe", telling=lambda: rungs, enough=3)
    assert search.length is None

    def trial(number: int, status: Status, *reports: float) -> None:
        search.suggest(number)
        for step, value in zip((12, 30, 90), reports, strict=False):
            search.report(number, step, value)
        search.tell(number, status, reports[-1] if status in ("finished", "stopped") else None)

    trial(0, "finished", 1.0, 2.0, 3.0)
    trial(1, "stopped", 0.5)
    trial(2, "diverged", 9.0, 9.0)
    assert search.length is None
    trial(3, "stopped", 0.7)
    assert search.length == 10, "three trials have a first report at or after step 10"
    values = [trial.value for trial in search.study.get_trials() if trial.state == TrialState.COMPLETE]
    assert values == [1.0, 0.5, 0.7]
    trial(4, "stopped", 1.1, 1.2)
    trial(5, "stopped", 1.1, 1.4)
    assert search.length == 30
    assert [trial.value for trial in search.study.get_trials()] == [2.0, None, None, None, 1.2, 1.4]
    rungs = (10,)
    assert search.length == 10, "the scheduler no longer believes the rung at 30"
    assert proposer("tpe", telling=lambda: (10,), fidelity="full").length is None


@pytest.mark.parametrize("cut", [0, 5, 12, 17, 29])
def test_proposals_over_rungs_are_the_same_across_a_restart(cut: int) -> None:
    """A scheduler stops two of three trials; a killed driver's history leads to the same proposals, bit by bit."""
    space = Space.parse({"a": {"float": [1e-4, 1e-1], "log": True}, "b": {"int": [1, 9]}, "c": {"choice": [1, 2, 4]}})
    settings: dict[str, Any] = {"telling": lambda: (10,), "enough": 4, "startup_trials": 4}
    whole = proposer("tpe", space, **settings)
    history = []
    for number in range(30):
        values = whole.suggest(number).values  # type: ignore[union-attr]
        status: Status = "finished" if number % 3 == 0 else "diverged" if number % 7 == 6 else "stopped"
        steps = (10, 20, 30) if status == "finished" else (10,)
        for step in steps:
            whole.report(number, step, float(step))
        value = None if status == "diverged" else float(steps[-1])
        whole.tell(number, status, value)
        history.append(record(number, values, status, value, steps))
    resumed = proposer("tpe", space, **settings)
    for one in history[:cut]:
        resumed.restore(one)
    for one in history[cut:]:
        assert resumed.suggest(one.number).values == one.values  # type: ignore[union-attr]
        for point in one.reports:
            resumed.report(one.number, point.step, point.metrics["psnr"])
        resumed.tell(one.number, one.status, one.value)  # type: ignore[arg-type]
    states = [[(trial.state, trial.value, trial.params) for trial in each.study.get_trials()] for each in (whole, resumed)]
    assert states[0] == states[1]


def test_asking_stays_cheap() -> None:
    """20 ms of processor time are allowed at 300 trials; a slow machine gets five times as much."""
    space = Space.parse({name: {"float": [0.0, 1.0]} for name in "abcdefgh"})
    search = proposer("tpe", space, telling=lambda: (10,))
    spent = []
    for number in range(310):
        began = time.process_time()
        search.suggest(number)
        spent.append(time.process_time() - began)
        search.report(number, 10, float(number % 17))
        search.tell(number, "finished" if number % 4 == 0 else "stopped", float(number % 17))
    assert statistics.median(spent[290:]) < 0.1


def test_values_outside_the_space_are_refused_on_restore() -> None:
    with pytest.raises(StateDamaged, match="trial 0 has values"):
        proposer("random").restore(record(0, {"a": 7.0, "b": "x"}, "finished", 1.0))


def test_published_values_come_first_and_grid_follows_complete_and_once() -> None:
    published = [FINITE.resolve({"a": "z", "b": "y", "b.y.depth": 2})]
    search = proposer("grid", FINITE, published=published)
    found = []
    for number in itertools.count():
        proposal = search.suggest(number)
        if proposal is None:
            break
        search.tell(number, "finished", 1.0)
        found.append(proposal)
    assert [one.values for one in found[1:]] == list(FINITE.grid())
    assert found[0].values == published[0]
    again = [one for one in found[1:] if one.values == published[0]]
    assert [(one.role, one.source) for one in again] == [("repeated", 0)]
    assert {one.role for one in found[1:] if one not in again} == {"suggested"}


def test_an_interrupted_grid_goes_on_where_it_was() -> None:
    grid = list(FINITE.grid())
    search = proposer("grid", FINITE)
    for number, values in enumerate(grid[:5]):
        search.restore(record(number, values, None if number in (1, 3) else "finished", 1.0))
    assert [search.suggest(number).values for number in range(5, 12)] == grid[5:]  # type: ignore[union-attr]
    assert search.suggest(12) is None


def test_tpe_prefers_the_good_region() -> None:
    """Of 30 late proposals on a surface that rewards a branch and a depth, most choose them (chance alone: 1 in 10)."""
    search = proposer("tpe", startup_trials=10)
    late = []
    for number in range(60):
        values = search.suggest(number).values  # type: ignore[union-attr]
        search.tell(number, "finished", quality(values))
        late.append(values.get("b.y.depth") in (4, 5))
    assert sum(late[30:]) > 15


def test_optuna_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    search = proposer("tpe", group=True)
    search.suggest(0)
    search.tell(0, "failed", None)
    assert capfd.readouterr().err == ""
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
