"""What holds for every searcher and every scheduler."""

from __future__ import annotations

import numpy as np
import optuna
import pytest

from raysearch.component import find, names
from raysearch.results.rungs import is_control
from raysearch.results.goals import Goals
from raysearch.search.proposals import Proposer
from raysearch.search.schedulers.base import Scheduler, SchedulerConfig
from raysearch.search.searchers.base import SearcherConfig
from raysearch.spec.space import Space

SEARCHERS = names("raysearch.search.searchers")
SCHEDULERS = names("raysearch.search.schedulers")
SPACE = Space.parse({"a": {"choice": [1, 2, None]}, "b": {"one_of": [{"kind": "x"}, {"kind": "y", "depth": {"int": [1, 4]}}]}})


def searcher(kind: str) -> SearcherConfig:
    config = find("raysearch.search.searchers", kind).parse({"kind": kind})
    assert isinstance(config, SearcherConfig)
    return config


def scheduler(kind: str) -> SchedulerConfig:
    config = find("raysearch.search.schedulers", kind).parse({"kind": kind})
    assert isinstance(config, SchedulerConfig)
    return config


@pytest.mark.parametrize("kind", SEARCHERS)
def test_proposals_are_in_the_space_and_repeatable(kind: str) -> None:
    def proposals() -> list[object]:
        proposer = Proposer(SPACE, searcher(kind), Goals.one("psnr", "max"), 4, ())
        found = []
        for number in range(15):
            proposal = proposer.suggest(number)
            assert proposal is not None
            assert SPACE.fits(proposal.values)
            proposer.tell(number, "finished", float(len(proposal.values)))
            found.append(proposal.values)
        return found

    assert proposals() == proposals()


@pytest.mark.parametrize("kind", SEARCHERS)
def test_a_searcher_says_how_many_it_has(kind: str) -> None:
    config = searcher(kind)
    assert isinstance(config.build(SPACE, 0), optuna.samplers.BaseSampler)
    assert config.size(SPACE) in (None, 15)


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
    assert all(ends[number] == steps for number in range(40) if is_control(number)), "the first, 1, 3, 7, 15 and 31 go on"
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
    if rungs and kind != "hyperband":
        assert built.telling() == (rungs if honest else ())
        assert (stopped > 20) == honest
