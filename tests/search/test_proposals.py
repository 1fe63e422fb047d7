from __future__ import annotations

import itertools
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from raysearch.component import find
from raysearch.errors import StateDamaged
from raysearch.results.events import Status
from raysearch.results.record import ReportedPoint, TrialRecord
from raysearch.search.proposals import Proposer
from raysearch.spec.space import Space

SPACE = Space.parse(
    {"a": {"float": [1e-4, 1e-1], "log": True}, "b": {"one_of": [{"kind": "x"}, {"kind": "y", "depth": {"int": [1, 5]}}]}}
)
FINITE = Space.parse({"a": {"choice": [1, None, "z"]}, "b": {"one_of": [{"kind": "x"}, {"kind": "y", "depth": {"int": [1, 3]}}]}})
SEARCHERS = ["random", "tpe"]


def proposer(searcher: str, space: Space = SPACE, seed: int = 5, published: Any = (), **fields: Any) -> Proposer:
    config = find("raysearch.search.searchers", searcher).parse({"kind": searcher, **fields})
    return Proposer(space, config, "psnr", "max", seed, published)  # type: ignore[arg-type]


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


def test_each_outcome_is_told_as_what_it_is_and_none_is_left_running() -> None:
    search = proposer("random")
    told: dict[Status, TrialState] = {
        "finished": TrialState.COMPLETE,
        "stopped": TrialState.PRUNED,
        "diverged": TrialState.FAIL,
        "out_of_memory": TrialState.FAIL,
        "failed": TrialState.FAIL,
    }
    for number, status in enumerate(told):
        search.suggest(number)
        search.report(number, 10, 99.0)
        search.tell(number, status, 1.0 if status == "finished" else 99.0 if status == "stopped" else None)
    trials = search.study.get_trials()
    assert [trial.state for trial in trials] == list(told.values())
    assert trials[1].intermediate_values == {10: 99.0}
    assert search.study.best_value == 1.0, "a trial that was stopped early is never the best"


def test_restored_outcomes_are_told_as_what_they_are() -> None:
    first = proposer("random")
    values = first.suggest(0).values  # type: ignore[union-attr]
    search = proposer("random")
    search.restore(record(0, values, "stopped", 40.0, (10, 20)))
    search.restore(record(1, values, "diverged", None, (10,)))
    search.restore(record(2, values, None, None, (10,)))
    states = [trial.state for trial in search.study.get_trials()]
    assert states == [TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING]
    assert search.study.get_trials()[0].intermediate_values == {10: 10.0, 20: 20.0}
    assert search.study.get_trials()[2].params == values
    search.tell(2, "finished", 3.0)
    assert search.study.best_value == 3.0


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
    assert [one.role for one in found] == ["published"] + ["suggested"] * 12
    assert [one.values for one in found[1:]] == list(FINITE.grid())
    assert found[0].values == published[0]


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
    assert sum(late[30:]) > 20


def test_optuna_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    search = proposer("tpe", group=True)
    search.suggest(0)
    search.tell(0, "failed", None)
    assert capfd.readouterr().err == ""
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
