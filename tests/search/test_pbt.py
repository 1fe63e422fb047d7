"""Population based training without Ray: the driver's own parts, and workers that only pretend to train."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from simulated_workers import EVERY, STEPS, Studio, best, pbt_study, steps_of

from raysearch.results.events import TrialEnded, TrialReported, TrialStarted
from raysearch.results.folder import RunFolder
from raysearch.results.lineage import ancestors
from raysearch.results.replay import Replay
from raysearch.search.job import Reported
from raysearch.search.sources import plan_confirmation
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[RunFolder]:
    return (RunFolder(tmp_path / str(number)) for number in range(100))


@pytest.mark.parametrize("workers", [8, 2])
def test_a_problem_that_needs_a_schedule_is_solved_better_than_by_random_search(folders: Iterator[RunFolder], workers: int) -> None:
    """On as many steps. A constant rate brings at most 23.2, however long one looks for it."""
    gains = []
    for seed in range(3):
        population = Studio(pbt_study(seed=seed), next(folders), workers).run().records()
        other = pbt_study(seed=seed, scheduler="fifo", budget={"trials": steps_of(population) // STEPS})
        random = best(Studio(other, next(folders), workers).run().records())
        assert random < 23.2
        gains.append(best(population) - random)
    assert min(gains) > 0
    assert sum(gains) / len(gains) > 3


@pytest.mark.parametrize("workers", [8, 3, 1])
def test_every_child_comes_from_a_donor_of_its_exchange(folders: Iterator[RunFolder], workers: int) -> None:
    studio = Studio(pbt_study(seed=2), next(folders), workers).run()
    records = studio.records()
    children = [record for record in records if record.parent is not None]
    assert len(records) - len(children) == 8, "founders"
    assert len(children) >= 8
    assert {record.status for record in records} == {"finished", "stopped"}
    assert sum(record.status == "finished" for record in records) == 8, "each member once"
    for child in children:
        parent = records[child.parent or 0]
        assert child.role == "child"
        assert parent.number < child.number
        assert child.parent_step % EVERY == 0
        assert child.parent_step > parent.parent_step
        assert child.reports[0].metrics == next(p.metrics for p in parent.reports if p.step == child.parent_step)
        assert [p.step for p in child.reports] == list(range(child.parent_step, child.step + 1, EVERY)), "the count goes on"
        assert studio.spec.trial.fits(child.values)
        mine, theirs = TrialConfig.parse(child.config), TrialConfig.parse(parent.config)
        assert mine.differences(theirs) == [("recipe", "optimizer", "lr")]
        assert mine.seed == theirs.seed
    for step in range(EVERY, STEPS, EVERY):
        begun = sum(child.parent_step == step for child in children)
        stopped = sum(record.status == "stopped" and record.step == step for record in records)
        there = sum(record.parent_step < step <= record.step for record in records)
        assert begun == stopped, "a child for each trial that gave way"
        assert there == 8, "each member comes to each exchange once"
        assert begun <= 5


def test_a_killed_search_goes_on_as_one_that_lived(folders: Iterator[RunFolder]) -> None:
    """One worker after another: wherever the journal ends, the rest is the same to the bit."""
    folder = next(folders)
    whole = Studio(pbt_study(seed=1), folder, 1).run()
    story = [event.model_copy(update={"time": 0.0}) for event in whole.events]
    for cut in range(1, len(story), 83):
        events = list(whole.events[:cut])
        reached = {event.trial: event.step for event in events if isinstance(event, TrialReported)}
        saved = {path: state for path, state in whole.saved.items() if state[0] <= reached.get(int(Path(path).parts[-3]), -1)}
        again = Studio(pbt_study(seed=1), folder, 1, events, saved).run()
        assert [event.model_copy(update={"time": 0.0}) for event in again.events if not isinstance(event, TrialEnded)] == [
            event for event in story if not isinstance(event, TrialEnded)
        ]


@pytest.mark.parametrize(("workers", "limit"), [(8, 4), (1, 4)])
def test_only_checkpoints_that_a_child_may_need_stay(folders: Iterator[RunFolder], workers: int, limit: int) -> None:
    """Two donors an exchange, besides the two newest of each trial."""
    folder = next(folders)
    studio = Studio(pbt_study(seed=2), folder, workers)
    report, kept = studio.source.report, []

    def watched(number: int, told: Reported) -> None:
        report(number, told)
        kept.append(sum(len(checkpoint.files(one / CHECKPOINTS)[checkpoint.KEEP :]) for one in folder.trials.iterdir()))

    studio.source.report = watched  # type: ignore[method-assign]
    studio.run()
    assert max(kept) <= limit
    assert kept[-1] == 0


@pytest.mark.parametrize("diverging", [(0, 3), (9, 10), tuple(range(1, 8))])
def test_the_place_of_a_trial_that_diverges_is_filled_at_the_next_exchange(
    folders: Iterator[RunFolder], diverging: tuple[int, ...]
) -> None:
    records = Studio(pbt_study(seed=2), next(folders), 8, diverging=diverging).run().records()
    assert {record.number for record in records if record.status == "diverged"} <= set(diverging)
    assert sum(record.status == "finished" for record in records) == 8
    assert steps_of(records) < 9 * STEPS


def test_a_population_that_is_lost_whole_ends_the_search(folders: Iterator[RunFolder]) -> None:
    studio = Studio(pbt_study(seed=2), next(folders), 8, diverging=tuple(range(100))).run()
    assert studio.source.reason == "exhausted"
    assert {record.status for record in studio.records()} <= {"diverged", "stopped"}
    assert len(studio.records()) < 8 * STEPS // EVERY


def test_the_budget_ends_a_population_too(folders: Iterator[RunFolder]) -> None:
    studio = Studio(pbt_study(seed=2, budget={"trials": 12}), next(folders), 8).run()
    assert len(studio.records()) == 12
    assert studio.source.reason == "trials"


def test_a_winner_is_confirmed_by_its_whole_schedule_and_so_is_the_baseline(folders: Iterator[RunFolder]) -> None:
    baseline = {"sampler": {"kind": "gradient"}}
    spec = pbt_study(seed=2, confirm={"top": 1, "seeds": 2, "baseline": baseline})
    records = Studio(spec, next(folders), 8).run().records()
    ranking = sorted((r.number for r in records if r.status == "finished"), key=lambda n: -(records[n].value or 0))
    line = ancestors(ranking[0], records)
    assert len(line) >= 2
    assert [one.until for one in line] == sorted({one.until for one in line})
    assert line[0].trial.parent is None
    planned = plan_confirmation(spec, records, ranking)
    assert [trial.role for trial in planned] == ["baseline", "top1"] * 2
    for base, top in zip(planned[::2], planned[1::2], strict=True):
        assert [stage.until for stage in top.earlier] == [stage.until for stage in base.earlier] == [one.until for one in line]
        for stage, one in zip(top.earlier, line, strict=True):
            assert stage.config == {**one.trial.config, "seed": top.seed}
        for mine, theirs in zip(base.earlier, top.earlier, strict=True):
            differing = TrialConfig.parse(mine.config).differences(TrialConfig.parse(theirs.config))
            assert {path[0] for path in differing} == {"sampler"}, "what is not replaced follows the winner's schedule"
    assert plan_confirmation(spec, records, [0])[0].earlier == (), "a founder has none"


def test_old_journals_know_no_parents() -> None:
    data = TrialStarted(
        time=0, trial=0, phase="search", role="suggested", source=None, values={}, config={}, seed=0, steps=1
    ).model_dump()
    for name in ("parent", "parent_step", "earlier"):
        del data[name]
    assert TrialStarted.model_validate(data).parent is None


def test_a_childs_seconds_are_its_own(folders: Iterator[RunFolder]) -> None:
    """What it reports counts on from its donor's seconds of training; while it runs, only what was added is its own."""
    studio = Studio(pbt_study(seed=2), next(folders), 8).run()
    child = next(record for record in studio.records() if record.parent is not None and len(record.reports) > 1)
    told = Replay()
    for event in studio.events:
        if not isinstance(event, TrialEnded):
            told.add(event)
    assert told.trials()[child.number].seconds == child.step - child.parent_step
    assert any(isinstance(event, TrialReported) for event in studio.events)
