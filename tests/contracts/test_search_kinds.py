"""What holds for every searcher and every scheduler."""

from __future__ import annotations

import optuna
import pytest

from raysearch.component import find, names
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
        proposer = Proposer(SPACE, searcher(kind), "psnr", "max", 4, ())
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


def run_trials(built: Scheduler, steps: int, every: int, qualities: list[float]) -> list[int]:
    """Run trials one after another through a scheduler; return the step at which each ended."""
    ends = []
    for number, quality in enumerate(qualities):
        for step in range(every, steps, every):
            if not built.report(number, step, (quality,)):
                ends.append(step)
                break
        else:
            built.report(number, steps, (quality,))
            ends.append(steps)
    return ends


@pytest.mark.parametrize("kind", SCHEDULERS)
@pytest.mark.parametrize("steps", [50, 250, 500, 1000, 1001, 5000])
def test_trials_are_stopped_at_rungs_only(kind: str, steps: int) -> None:
    config = scheduler(kind)
    rungs = config.rungs(steps)
    assert list(rungs) == sorted(set(rungs))
    assert all(0 < rung < steps for rung in rungs)
    worse_and_worse = [30.0 - number for number in range(12)]
    ends = run_trials(config.build(steps), steps, 50 if steps > 50 else 10, worse_and_worse)
    assert ends[0] == steps, "the best one goes on to the end"
    assert set(ends) <= {*rungs, steps}
    if rungs:
        assert ends[1:] == [rungs[0]] * 11, "the others are worse than the best half"


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_every_rung_is_one(kind: str) -> None:
    """A trial that is good until just before a rung is stopped there when it is bad then."""
    config = scheduler(kind)
    for last, rung in enumerate(config.rungs(3000)):
        built = config.build(3000)
        run_trials(built, 3000, 50, [1.0, 1.0, 1.0])
        assert all(built.report(9, good, (2.0,)) for good in config.rungs(3000)[:last])
        assert built.report(9, rung - 1, (-9.0,))
        assert not built.report(9, rung, (-9.0,))
