"""Population based training without Ray: the driver's own parts, and workers that only pretend to train."""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from small_study import TRIAL, study

from raysearch.results.events import Event, TrialEnded, TrialReported, TrialStarted
from raysearch.results.folder import RunFolder
from raysearch.results.lineage import ancestors
from raysearch.results.record import TrialRecord
from raysearch.results.replay import Replay
from raysearch.rng import seed_of
from raysearch.search.budget import Limits
from raysearch.search.costs import Costs
from raysearch.search.job import Ended, Job, Reported
from raysearch.search.ledger import Ledger
from raysearch.search.nursery import Nursery
from raysearch.search.perturbing import child_of, moved
from raysearch.search.population import PopulationSource
from raysearch.search.proposals import Proposer
from raysearch.search.schedulers.base import Breeder
from raysearch.search.schedulers.pbt import Config as Pbt
from raysearch.search.searcher import TrialSource
from raysearch.search.sources import JobMaker, SearchSource, plan_confirmation
from raysearch.search.study import StudySpec
from raysearch.search.verdicts import Verdicts
from raysearch.spec.domains import Domain, Float, Int, Leaf, Ordered
from raysearch.spec.expression import parse
from raysearch.spec.space import Space
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS

STEPS, EVERY = 200, 10
LR = "recipe.optimizer.lr"


def pbt_study(**more: object) -> StudySpec:
    trial = {**TRIAL, "steps": STEPS, "evaluate": {"every": EVERY}}
    scheduler = {"kind": "pbt", "population": 8, "every": EVERY, "factors": [0.5, 1.5], "resample": 0.1}
    return study(**{"scheduler": scheduler, "budget": {}, "trial": trial, **more})


def gain(lr: float, step: int) -> float:
    """How much a step at this rate brings: most at a rate that falls from 1e-2 to 1e-4; a factor of two away, half."""
    best = -2 - 2 * step / STEPS
    return math.exp(-(((math.log10(lr) - best) / 0.36) ** 2))


@dataclass
class Worker:
    """A pretended training: its state is the sum of what its steps brought."""

    job: Job
    config: TrialConfig
    lr: float
    step: int
    total: float

    def on(self) -> None:
        for _ in range(EVERY):
            self.total += gain(self.lr, self.step)
            self.step += 1

    @property
    def report(self) -> Reported:
        metrics = {"psnr": 20 + 10 * self.total / STEPS, "train_seconds": float(self.step)}
        return Reported(self.step, STEPS, metrics, float(self.step))


@dataclass
class Studio:
    """A search with simulated workers; begins where its events end."""

    spec: StudySpec
    folder: RunFolder
    workers: int
    events: list[Event] = field(default_factory=list)
    saved: dict[str, tuple[int, float]] = field(default_factory=dict)
    diverging: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        records = self.records()
        self.ledger = Ledger(self.events.append, metric="psnr", mode="max", gpus=0, observers=(), earlier=records)
        config = self.spec.scheduler
        scheduler = config.build(STEPS)
        self.verdicts = Verdicts(scheduler, self.spec.goals)
        self.verdicts.replay(list(self.events))
        proposer = Proposer(self.spec.trial, self.spec.searcher, self.spec.goals, seed_of(self.spec.seed, "search"), ())
        for record in records:
            if record.parent is None:
                proposer.restore(record)
        jobs = JobMaker(self.spec, self.folder, "cache", "", False)
        limits = Limits(self.spec.budget, self.ledger, self.workers)
        self.ledger.phase = "search"

        def never() -> bool:
            return False

        self.source: TrialSource
        if isinstance(scheduler, Breeder) and isinstance(config, Pbt):
            nursery = Nursery(self.spec, config, scheduler, self.ledger, self.folder.trials, records)
            founding = SearchSource(self.spec, proposer, self.ledger, jobs, limits, (), never, Costs(), nursery.started)
            self.source = PopulationSource(founding, nursery, self.ledger, jobs, limits, never)
        else:
            waiting = [record for record in records if record.status is None]
            self.source = SearchSource(self.spec, proposer, self.ledger, jobs, limits, waiting, never, Costs())

    def records(self) -> tuple[TrialRecord, ...]:
        told = Replay()
        for event in self.events:
            told.add(event)
        return told.trials()

    def run(self) -> Studio:
        clock: list[tuple[float, int, Worker]] = []
        while True:
            while len(clock) < self.workers and (job := self.source.next()) is not None:
                heapq.heappush(clock, (self.time(clock) + 1.0 + job.trial % 3 * 0.1, job.trial, self.begin(job)))
            if not clock:
                return self
            now, number, worker = heapq.heappop(clock)
            if self.go_on(number, worker):
                heapq.heappush(clock, (now + 1.0, number, worker))

    @staticmethod
    def time(clock: list[tuple[float, int, Worker]]) -> float:
        return clock[0][0] - 1.0 if clock else 0.0

    def begin(self, job: Job) -> Worker:
        config = TrialConfig.parse(json.loads(job.config))
        lr = config.recipe.optimizer.lr  # type: ignore[attr-defined]
        own = [path for path in self.saved if path.startswith(f"{job.folder}/")]
        newest = max(own, default=job.start)
        step, total = self.saved[newest] if newest else (0, 0.0)
        worker = Worker(job, config, lr, step, total)
        if newest:
            self.save(worker)
            self.report(job.trial, worker)
        return worker

    def save(self, worker: Worker) -> None:
        path = checkpoint.path_of(Path(worker.job.folder) / CHECKPOINTS, worker.step)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.saved[str(path)] = worker.step, worker.total
        for one in checkpoint.files(path.parent)[checkpoint.KEEP :]:
            if worker.job.keep_every == 0 or checkpoint.step_of(one) % worker.job.keep_every:
                one.unlink()

    def report(self, number: int, worker: Worker) -> bool:
        goes_on = self.verdicts.of(number, worker.report)
        if self.ledger.reported(number, worker.report):
            self.source.report(number, worker.report)
        return goes_on

    def go_on(self, number: int, worker: Worker) -> bool:
        if worker.step >= STEPS:
            return self.end(number, Ended("finished", STEPS, worker.report.metrics["psnr"], 1.0, "", {}))
        if number in self.diverging and worker.step >= 2 * EVERY:
            return self.end(number, Ended("diverged", worker.step, None, 1.0, "the loss is NaN", {}))
        worker.on()
        self.save(worker)
        if not self.report(number, worker):
            return self.end(number, Ended("stopped", worker.step, worker.report.metrics["psnr"], 1.0, "", {}))
        if worker.step < STEPS and self.source.rests(number, worker.step):
            assert self.source.is_resting(number)
            self.ledger.rested(number)
            return False
        return worker.step < STEPS or self.go_on(number, worker)

    def end(self, number: int, end: Ended) -> bool:
        self.ledger.ended(number, self.source.judged(number, end))
        self.source.tell(number)
        return False


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[RunFolder]:
    return (RunFolder(tmp_path / str(number)) for number in range(100))


def steps_of(records: tuple[TrialRecord, ...]) -> int:
    return sum(record.step - record.parent_step for record in records)


def best(records: tuple[TrialRecord, ...]) -> float:
    return max(record.value or 0.0 for record in records if record.status == "finished")


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


@pytest.mark.parametrize(
    ("domain", "value", "factor", "expected"),
    [
        (Float(1e-4, 1e-2, log=True), 1e-3, 1.25, 1.25e-3),
        (Float(1e-4, 1e-2, log=True), 9e-3, 1.25, 1e-2),
        (Float(0, 1), 0.5, 0.8, 0.4),
        (Float(0, 1, step=0.1), 0.5, 1.25, 0.6),
        (Float(0, 1, step=0.1), 1.0, 1.25, 1.0),
        (Float(0, 1, step=0.25), 0.75, 0.8, 0.5),
        (Int(1, 9), 2, 1.25, 3),
        (Int(1, 9), 8, 0.5, 4),
        (Int(1, 9, step=4), 5, 1.25, 9),
        (Int(1, 9), 1, 0.8, 1),
        (Ordered((8, 16, 32), "pow2"), 16, 1.25, 32),
        (Ordered((8, 16, 32), "pow2"), 8, 0.8, 8),
        (
            Ordered(
                ("none", "flips"),
            ),
            "none",
            3.0,
            "flips",
        ),
        (Float(0, 1), 0.5, 1.0, 0.5),
    ],
)
def test_a_value_moves_inside_its_domain(domain: Domain, value: Leaf, factor: float, expected: Leaf) -> None:
    found = moved(domain, value, factor)
    assert found == pytest.approx(expected) if isinstance(expected, float) else found == expected
    assert domain.match(found) == found


MIXED = {
    **TRIAL,
    "patch": {"size": {"pow2": [32, 128]}},
    "model": {"kind": "dncnn", "depth": {"int": [3, 8]}},
    "sampler": {
        "one_of": [
            {"kind": "gradient", "keep": {"float": [0.1, 1.0]}},
            {
                "kind": "patchnet",
                "cell": {"ordered": [16, 32]},
                "width": {"int": [4, 16], "step": 4},
                "temperature": {"float": [0.5, 20], "log": True},
                "objective": {"choice": ["adversarial", "regress"]},
            },
        ]
    },
    "batch": {"pow2": [4, 32]},
}


@pytest.mark.parametrize("branch", ["gradient", "patchnet"])
def test_what_can_not_change_on_the_way_stays_the_donors(branch: str) -> None:
    space = Space.parse(MIXED)
    donor = space.resolve({"sampler": branch, "batch": 8})
    config = space.bind(donor, 5)
    free = {"recipe.optimizer.lr", "batch", "sampler.gradient.keep", "sampler.patchnet.temperature"}
    changed: set[str] = set()
    for seed in range(40):
        child = child_of(space, donor, config, (0.8, 1.25), 0.3, seed)
        assert space.fits(child)
        changed |= {name for name in child if child[name] != donor[name]}
        assert child == child_of(space, donor, config, (0.8, 1.25), 0.3, seed)
    assert changed == {name for name in free if name in donor}


def test_children_meet_the_constraints() -> None:
    space = Space.parse(MIXED).under([parse("batch * recipe.optimizer.lr <= 0.009")])
    donor = space.resolve({"sampler": "gradient", "batch": 8, LR: 1e-3})
    for seed in range(30):
        assert space.allows(child_of(space, donor, space.bind(donor, 0), (0.5, 2.0), 0.3, seed))
    strict = Space.parse(MIXED).under([parse("batch == 8"), parse("recipe.optimizer.lr == 0.001"), parse("sampler.keep == 0.5")])
    alone = strict.resolve({"sampler": "gradient", "sampler.keep": 0.5, "batch": 8, LR: 1e-3})
    assert child_of(strict, alone, strict.bind(alone, 0), (0.5, 2.0), 0.3, 1) == alone


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
