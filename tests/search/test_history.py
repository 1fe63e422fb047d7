"""What Optuna's view holds of trials with several objectives, constraints and bad ends."""

from __future__ import annotations

from typing import Any

import pytest
from optuna.trial import TrialState

from raysearch.component import find
from raysearch.results.goals import Goal, Goals
from raysearch.search.history import History
from raysearch.search.searchers.base import SearcherConfig
from raysearch.spec.expression import bound
from raysearch.spec.space import Space

SPACE = Space.parse({"o": {"ordered": ["a", "b", "c"]}, "b": {"one_of": ["x", {"kind": "y", "p": {"pow2": [2, 8]}}]}})
ONE = Goals.one("psnr", "max")
TWO = Goals((Goal("psnr", "max"), Goal("macs_g", "min")), (bound("ssim >= 0.5"), bound("psnr >= 20")))


def history(kind: str, goals: Goals, telling: tuple[int, ...] = (), **fields: Any) -> History:
    config = find("raysearch.search.searchers", kind).parse({"kind": kind, **fields})
    assert isinstance(config, SearcherConfig)
    return History(SPACE, config, goals, lambda: telling)


def test_ordered_values_are_told_as_positions() -> None:
    view = history("tpe", ONE)
    view.enter(0, {"o": "c", "b": "y", "b.y.p": 4})
    view.enter(1, {"o": "a", "b": "x"})
    trials = view.study.get_trials()
    assert trials[0].params == {"o": 2, "b": "y", "b.y.p": 1}
    assert trials[1].params == {"o": 0, "b": "x"}


def test_a_model_of_whole_configurations_sees_defaults_of_what_does_not_exist() -> None:
    view = history("gp", ONE)
    view.enter(0, {"o": "a", "b": "x"})
    assert view.study.get_trials()[0].params == {"o": 0, "b": "x", "b.y.p": 1}, "4 is the middle of 2, 4, 8"


def test_several_objectives_and_constraints_are_told_at_full_length() -> None:
    view = history("tpe", TWO)
    for number in range(3):
        view.enter(number, {"o": "abc"[number], "b": "x"})
    view.end(0, "finished", (30.0, 2.0), {"ssim >= 0.5": -0.3, "psnr >= 20": -10.0})
    view.end(1, "infeasible", (31.0, 1.0), {"ssim >= 0.5": 0.2, "psnr >= 20": float("inf")})
    view.end(2, "stopped", None, {})
    trials = view.study.get_trials()
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.FAIL]
    assert [trial.values for trial in trials[:2]] == [[30.0, 2.0], [31.0, 1.0]]
    assert trials[0].constraints == {"ssim >= 0.5": -0.3, "psnr >= 20": -10.0}
    assert trials[1].constraints == {"ssim >= 0.5": 0.2, "psnr >= 20": 1e9}
    assert [trial.number for trial in view.study.best_trials] == [0], "an infeasible trial is never the best"


def test_constraints_are_not_told_of_shorter_lengths() -> None:
    view = history("tpe", TWO, telling=(10,), enough=2)
    for number in range(2):
        view.enter(number, {"o": "abc"[number], "b": "x"})
        view.entries[number].points[10] = (20.0 + number, 1.0)
        view.end(number, "stopped", None, {"ssim >= 0.5": 1.0, "psnr >= 20": 1.0})
    assert view.length == 10
    assert [(trial.values, trial.constraints) for trial in view.study.get_trials()] == [([20.0, 1.0], {}), ([21.0, 1.0], {})]


@pytest.mark.parametrize(("kind", "told"), [("gp", (TrialState.COMPLETE, [20.0, 7.0])), ("tpe", (TrialState.PRUNED, None))])
def test_a_diverged_trial_is_blamed_as_the_searcher_understands_it(kind: str, told: Any) -> None:
    view = history(kind, TWO)
    for number, values in enumerate([(20.0, 3.0), None, (25.0, 7.0), None]):
        view.enter(number, {"o": "a", "b": "x"})
        view.end(number, "finished" if values else "diverged" if number == 1 else "failed", values, {})
    trials = view.study.get_trials()
    assert (trials[1].state, trials[1].values) == told
    assert trials[3].state == TrialState.FAIL, "a lost process is nobody's fault"
    view.enter(4, {"o": "b", "b": "x"})
    view.end(4, "finished", (10.0, 1.0), {})
    if kind == "gp":
        assert view.study.get_trials()[1].values == [10.0, 7.0], "the worst value has changed"
