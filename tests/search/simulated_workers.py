"""A search with population based training (or without) whose workers only pretend to train."""

from __future__ import annotations

import heapq
import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from small_study import TRIAL, study

from raysearch.results.events import Event
from raysearch.results.folder import RunFolder
from raysearch.results.record import TrialRecord
from raysearch.results.replay import Replay
from raysearch.rng import seed_of
from raysearch.search.budget import Limits
from raysearch.search.costs import Costs
from raysearch.search.job import Ended, Job, Reported
from raysearch.search.ledger import Ledger
from raysearch.search.nursery import Nursery
from raysearch.search.population import PopulationSource
from raysearch.search.proposals import Proposer
from raysearch.search.schedulers.base import Breeder
from raysearch.search.schedulers.pbt import Config as Pbt
from raysearch.search.searcher import TrialSource
from raysearch.search.sources import JobMaker, SearchSource
from raysearch.search.study import StudySpec
from raysearch.search.verdicts import Verdicts
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS

STEPS, EVERY = 200, 10


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


def steps_of(records: tuple[TrialRecord, ...]) -> int:
    return sum(record.step - record.parent_step for record in records)


def best(records: tuple[TrialRecord, ...]) -> float:
    return max(record.value or 0.0 for record in records if record.status == "finished")
