"""What holds for every searcher and every scheduler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import optuna
import pytest

from raysearch.component import find, names
from raysearch.errors import SpecError
from raysearch.results.events import Leaf, Status
from raysearch.results.goals import Goal, Goals
from raysearch.results.record import ReportedPoint, TrialRecord
from raysearch.results.rungs import is_control
from raysearch.search.proposals import Proposer
from raysearch.search.rules import Rules
from raysearch.search.schedulers.base import Scheduler, SchedulerConfig
from raysearch.search.searchers.base import SearcherConfig
from raysearch.spec.expression import bound, parse
from raysearch.spec.space import Space

COUNT = {"gp": 18}
"""Trials of a test, where the usual number takes too long."""

SEARCHERS = names("raysearch.search.searchers")
SCHEDULERS = names("raysearch.search.schedulers")
NUMBERS = Space.parse({"x": {"float": [0, 1]}, "y": {"float": [0.01, 1], "log": True}, "n": {"int": [1, 9]}})
FEW = Space.parse({"n": {"int": [1, 4]}, "o": {"ordered": ["a", "b", "c"]}})
SPACE = Space.parse({"a": {"choice": [1, 2, None]}, "b": {"one_of": [{"kind": "x"}, {"kind": "y", "depth": {"int": [1, 4]}}]}})


def searcher(kind: str) -> SearcherConfig:
    config = find("raysearch.search.searchers", kind).parse({"kind": kind})
    assert isinstance(config, SearcherConfig)
    return config


def scheduler(kind: str) -> SchedulerConfig:
    config = find("raysearch.search.schedulers", kind).parse({"kind": kind})
    assert isinstance(config, SchedulerConfig)
    return config


def space_of(kind: str) -> Space:
    """The space with a choice and branches; one of numbers for a searcher that refuses these, in words."""
    try:
        searcher(kind).build(SPACE, 0)
    except SpecError as error:
        return NUMBERS if error.remedy else pytest.fail(f"{kind} refuses a space without a remedy")
    return SPACE


def said(values: Mapping[str, object]) -> float:
    """An objective that every value has a part in."""
    return float(sum(len(str(value)) + (value if isinstance(value, int | float) else 0) for value in values.values()))


def status_of(number: int) -> Status:
    return "diverged" if number % 9 == 7 else "stopped" if number % 4 == 3 else "finished"


def record(number: int, values: dict[str, Leaf], scores: Sequence[float]) -> TrialRecord:
    status = status_of(number)
    metrics = {"psnr": scores[0], "l1": scores[-1], "train_seconds": 1.0}
    reports = (ReportedPoint(10, metrics, 0.0),)
    value = None if status == "diverged" else scores[0]
    return TrialRecord(number, "search", "suggested", None, values, {}, 0, 10, status, 10, value, 1.0, "", 0, {}, reports, 0.0)


def searched(
    kind: str, space: Space, goals: Goals, count: int, history: Sequence[TrialRecord] = (), rules: Rules | None = None
) -> list[TrialRecord]:
    """Search to ``count`` trials, one at a time, going on from a history."""
    proposer = Proposer(space, searcher(kind), goals, 4, (), rules=rules)
    found = list(history)
    for one in history:
        proposer.restore(one)
    for number in range(len(history), count):
        proposal = proposer.suggest(number)
        if proposal is None:
            break
        assert space.fits(proposal.values)
        assert space.allows(proposal.values)
        one = record(number, proposal.values, (said(proposal.values), float(number % 5)))
        metrics = one.reports[0].metrics
        proposer.report(number, 10, goals.raw(metrics, {}))
        values = goals.raw(metrics, {}) if one.status == "finished" else None
        proposer.tell(number, one.status or "failed", values, goals.excesses(metrics, {}))
        found.append(one)
    return found


def values_of(trials: Sequence[TrialRecord]) -> list[dict[str, Leaf]]:
    return [trial.values for trial in trials]


ONE = Goals.one("psnr", "max")
TWO = Goals((Goal("psnr", "max"), Goal("l1", "min")), (bound("l1 <= 3"),))


@pytest.mark.parametrize("cut", [0, 7, 16])
@pytest.mark.parametrize("kind", SEARCHERS)
def test_proposals_are_in_the_space_and_the_same_across_a_restart(kind: str, cut: int) -> None:
    space = space_of(kind)
    count = COUNT.get(kind, 30)
    whole = searched(kind, space, ONE, count)
    assert len(whole) == (15 if kind == "grid" else count)
    assert values_of(searched(kind, space, ONE, count, whole[:cut])) == values_of(whole)


@pytest.mark.parametrize("kind", SEARCHERS)
def test_several_objectives_with_a_constraint_are_searched_or_refused(kind: str) -> None:
    config = searcher(kind)
    if not config.several:
        with pytest.raises(SpecError, match="one objective only"):
            searched(kind, space_of(kind), TWO, 30)
        return
    count = COUNT.get(kind, 30)
    whole = searched(kind, space_of(kind), TWO, count)
    assert len(whole) == (15 if kind == "grid" else count)
    assert values_of(searched(kind, space_of(kind), TWO, count, whole[:-3])) == values_of(whole)


@pytest.mark.parametrize("kind", SEARCHERS)
def test_constraints_between_values_cost_no_trial(kind: str) -> None:
    """One configuration in 14 meets them; `searched` checks that all proposed ones do."""
    if kind == "grid":
        space = SPACE.under([parse("b.depth >= 3 and a != 2")])
        assert len(searched(kind, space, ONE, 30)) == 3 + 2 * 2, "without b.depth the constraint does not apply"
        return
    space = NUMBERS.under([parse("x + y >= 1.7"), parse("n * x < 6")])
    assert len(searched(kind, space, ONE, COUNT.get(kind, 25))) == COUNT.get(kind, 25)


@pytest.mark.parametrize("kind", SEARCHERS)
def test_without_duplicates_every_configuration_is_tried_once(kind: str) -> None:
    space = space_of(kind) if kind == "grid" else FEW
    rules = Rules(again=lambda values: False)
    found = searched(kind, space, ONE, 40, rules=rules)
    keys = [repr(sorted(values.items())) for values in values_of(found)]
    assert len(keys) == len(set(keys)) == space.size()
    assert values_of(searched(kind, space, ONE, 40, found[:6], rules=rules)) == values_of(found)


@pytest.mark.parametrize("kind", SEARCHERS)
def test_a_searcher_says_how_many_it_has(kind: str) -> None:
    config = searcher(kind)
    assert isinstance(config.build(space_of(kind), 0), optuna.samplers.BaseSampler)
    assert config.size(space_of(kind)) in (None, 15)


def checks(kind: str) -> bool:
    """Whether a scheduler checks that its rungs predict the end, and lets some trials run their full length to know."""
    return "check" in type(scheduler(kind)).model_fields or kind == "fifo"


def run_trials(built: Scheduler, steps: int, qualities: list[float]) -> list[int]:
    """Run trials one after another through a scheduler, with a report after every step; return the step at which each ended."""
    ends = []
    for number, quality in enumerate(qualities):
        for step in range(1, steps):
            if not built.report(number, step, (quality,)):
                ends.append(step)
                break
        else:
            built.report(number, steps, (quality,))
            ends.append(steps)
    return ends


@pytest.mark.parametrize("kind", SCHEDULERS)
@pytest.mark.parametrize("steps", [1, 2, 50, 250, 1001])
def test_trials_are_stopped_at_rungs_only_and_controls_never(kind: str, steps: int) -> None:
    config = scheduler(kind)
    rungs = config.rungs(steps)
    assert list(rungs) == sorted(set(rungs))
    assert all(0 < rung < steps for rung in rungs)
    ends = run_trials(config.build(steps), steps, [30.0 - number for number in range(40)])
    assert set(ends) <= {*rungs, steps}
    controls = [number for number in range(40) if is_control(number)] if checks(kind) else [0]
    assert all(ends[number] == steps for number in controls), "the first, 1, 3, 7, 15 and 31 go on"
    assert sum(end < steps for end in ends) > (15 if rungs else -1), "worse and worse trials are stopped"


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_every_rung_is_one(kind: str) -> None:
    """Of trials that are good until just before a rung and bad there, some are stopped there and none before."""
    config = scheduler(kind)
    for last, rung in enumerate(config.rungs(300)):
        built = config.build(300)
        run_trials(built, 300, [1.0 - number / 100 for number in range(60)])
        stopped = 0
        for trial in range(64, 100):
            good = config.rungs(300)[:last] if kind != "median" else ()  # there a trial that was ever good is kept
            assert all(built.report(trial, step, (2.0 + trial,)) for step in good)
            stopped += not built.report(trial, rung, (-9.0,))
        assert stopped > 0


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_the_state_is_a_function_of_the_reports(kind: str) -> None:
    """A scheduler that is shown the first reports again decides on the rest as the one that saw them all."""
    random = np.random.default_rng(3)
    story = [(trial, step, (float(random.normal(trial % 5, 1)),)) for step in range(1, 28) for trial in range(20)]
    built, again = scheduler(kind).build(27), scheduler(kind).build(27)
    told = [built.report(*one) for one in story]
    assert [again.report(*one) for one in story] == told
    assert again.telling() == built.telling()


@pytest.mark.parametrize("kind", SCHEDULERS)
@pytest.mark.parametrize("honest", [True, False])
def test_a_rung_that_predicts_the_end_badly_is_passed_over(kind: str, honest: bool) -> None:
    """Half of the trials have curves that end in the reverse of their early order; then nobody is stopped early any more."""
    config = scheduler(kind)
    rungs = config.rungs(27)
    built = config.build(27)

    def value(number: int, step: int) -> float:
        quality = float((number * 7) % 10)
        return quality if honest or step > 20 else -quality

    stopped = 0
    for number in range(300):
        going = True
        for step in range(1, 28):
            going = going and built.report(number, step, (value(number, step),))
            stopped += number > 200 and not going and step == rungs[0] if rungs else 0
    if rungs and kind != "hyperband" and checks(kind):
        assert built.telling() == (rungs if honest else ())
        assert (stopped > 20) == honest
