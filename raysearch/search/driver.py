"""Runs a study: search, then confirmation, on Ray Tune; goes on from the journal when it is resumed.

The run's journal is the truth. Tune and Optuna are started afresh every time: trials that ended are told to a new Optuna study
and shown to a new scheduler; trials that were interrupted are handed out again under their number and go on from their newest
checkpoint.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack

from raysearch.errors import ClusterError, TooManyFailed
from raysearch.results.events import DriverStarted, DriverStopped, Event
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal, JournalReader
from raysearch.results.record import TrialRecord
from raysearch.results.replay import Replay
from raysearch.rng import seed_of
from raysearch.search.attempts import Attempts
from raysearch.search.budget import Limits
from raysearch.search.capacity import Capacity
from raysearch.search.costs import Costs
from raysearch.search.ending import leave, problem_of, settled, write_end
from raysearch.search.importance import write_importance
from raysearch.search.interrupt import catching
from raysearch.search.ledger import Ledger
from raysearch.search.nursery import Nursery
from raysearch.search.observers import RayMetrics, TensorBoard
from raysearch.search.options import DriverOptions, Outcome
from raysearch.search.orders import with_budget
from raysearch.search.patient_append import PatientAppend
from raysearch.search.phase import Layout
from raysearch.search.population import PopulationSource
from raysearch.search.progress import Observer
from raysearch.search.proposals import Proposer
from raysearch.search.ray_internals import machines, node_of_actor, require_tested_ray
from raysearch.search.remote import mirrored
from raysearch.search.rules import rules_of
from raysearch.search.schedulers.base import Breeder, Scheduler
from raysearch.search.schedulers.pbt import Config as Pbt
from raysearch.search.searcher import TrialSource
from raysearch.search.session import open_session
from raysearch.search.sources import JobMaker, SearchSource
from raysearch.search.stages import Run, confirm, extend, replayed
from raysearch.search.stopping import obeying
from raysearch.search.study import StudySpec
from raysearch.search.verdicts import Verdicts
from raysearch.search.versions import refuse_changes, versions, versions_of
from raysearch.spec import yaml


def run_study(spec: StudySpec, folder: RunFolder, options: DriverOptions) -> Outcome:
    """Run a new study in its folder, which holds the study's files (`RunFolder.write_study`) and no journal yet.

    Raises:
        RunLocked: another driver holds the run.
        ClusterError: Ray can't be started or reached, or can't hold one trial.
        RaysearchError: the study can't go on; `resume_study` may, when the reason is gone.
    """
    return _drive(spec, folder, options)


def resume_study(folder: RunFolder, options: DriverOptions) -> Outcome:
    """Go on with a run: no trial that ended runs again, and one that was running loses what it did since its last report.

    Raises:
        StateDamaged: the journal or the resolved study can't be trusted.
        RunLocked, ClusterError, RaysearchError: see `run_study`.
    """
    return _drive(StudySpec.from_data(yaml.read(folder.resolved).data), folder, options)


def _drive(spec: StudySpec, folder: RunFolder, options: DriverOptions) -> Outcome:
    """Hold the run, read its journal, connect to Ray, and go through the phases."""
    with ExitStack() as stack:
        interrupt = stack.enter_context(catching())
        lock = stack.enter_context(folder.lock(time.time()))
        interrupt.last_words = lock.release
        stack.enter_context(obeying(folder, lock.holder.token, interrupt))
        storage = stack.enter_context(mirrored(folder, spec.storage, lock))
        journal = stack.enter_context(Journal.open(folder.journal))
        replay, ordered = _ordered(spec, folder, options, journal)
        spec = with_budget(spec, replay)
        if "search" in replay.phases and (outcome := settled(spec, folder, options, replay, journal)) is not None:
            return outcome
        _require_same(folder, options, replay)
        session = stack.enter_context(
            open_session(options.address, cpus=options.cpus, gpus=options.gpus, dashboard=options.dashboard)
        )
        interrupt.listen()
        options.progress.on_session(session)
        layout = layout_of(spec, session.capacity, may_grow=not session.local)
        observers: list[Observer] = [stack.enter_context(RayMetrics(spec.objective.metric))]
        if options.tensorboard:
            board = TensorBoard(folder.path / "tensorboard", spec.objective.metric, replay.trials(), folder.trial)
            observers.append(stack.enter_context(board))
        ledger = Ledger(
            PatientAppend(journal.append, 60 * spec.faults.storage_minutes, interrupt, options.progress.on_trouble),
            metric=spec.objective.metric,
            mode=spec.objective.mode,
            gpus=spec.resources.workers * spec.resources.gpus_per_worker,
            observers=[*observers, options.progress],
            earlier=replay.trials(),
        )
        for event in ordered:
            ledger.tell(event)
        ledger.on_broken = interrupt.halt
        interrupt.last_words = lambda: leave(ledger, lock)
        jobs = JobMaker(spec, folder, str(options.cache.absolute()), options.fit, options.allow_imports)
        attempts = Attempts(ledger, spec.faults, spec.max_retries, machines, node_of_actor)
        return _conduct(Run(spec, folder, options, replay, ledger, jobs, layout, interrupt, attempts, storage))


def _ordered(spec: StudySpec, folder: RunFolder, options: DriverOptions, journal: Journal) -> tuple[Replay, list[Event]]:
    """Write what the user orders to the journal; return what it tells then, and what was written."""
    replay, written = replayed(folder), []
    if options.orders:
        _require_same(folder, options, replay)
    for order in options.orders:
        for event in order.events(spec, folder, replay):
            journal.append(event)
            replay.add(event)
            written.append(event)
    return replay, written


def _require_same(folder: RunFolder, options: DriverOptions, replay: Replay) -> None:
    """Refuse a run that was driven with other code, packages or study, unless the user accepts that."""
    if not options.accept_changes:
        refuse_changes(replay.versions, versions_of(folder), folder.path)


def layout_of(spec: StudySpec, capacity: Capacity, *, may_grow: bool = False) -> Layout:
    """Return how the study's trials lie on a cluster.

    Args:
        spec: the study.
        capacity: what the machines hold now.
        may_grow: an autoscaler may add machines. Then ``resources.concurrent`` is taken at its word, since trials that wait for a
            machine are what makes the cluster grow.

    Raises:
        ClusterError: not even one trial fits, or the installed Ray is not the one whose internals several workers rely on.
    """
    resources = spec.resources
    fit = capacity.concurrent(resources.workers, resources.cpus_per_worker, resources.gpus_per_worker)
    if may_grow and resources.concurrent is not None:
        fit = max(fit, resources.concurrent)
    if fit == 0:
        need = f"{resources.workers} x ({resources.cpus_per_worker} CPU, {resources.gpus_per_worker:g} GPU)"
        remedy = "lower resources.workers, cpus_per_worker or gpus_per_worker, or add machines"
        if may_grow:
            remedy += "; if the cluster adds them by itself, say with resources.concurrent how many trials its full size holds"
        raise ClusterError(
            f"one trial needs {need}, and the cluster has {capacity.cpus:g} CPU and {capacity.gpus:g} GPU on "
            f"{len(capacity.nodes)} machine(s)",
            place="resources",
            remedy=remedy,
        )
    trains = resources.workers > 1 or resources.trainer == "ray_train"
    if trains:
        require_tested_ray(versions()["ray"])
    concurrent = min(fit, resources.concurrent or fit)
    return Layout(trains, resources.workers, resources.cpus_per_worker, resources.gpus_per_worker, concurrent)


def _conduct(run: Run) -> Outcome:
    """Go through the phases and write down how it ended."""
    ledger = run.ledger
    attempt = len(run.replay.commands)
    ran_with = versions_of(run.folder)
    ledger.write(
        DriverStarted(time=time.time(), attempt=attempt, command=run.options.command, versions=ran_with, host=socket.gethostname())
    )
    try:
        outcome = _phases(run)
    except BaseException as error:
        if ledger.broken is None:
            message = f"{type(error).__name__}: {error}"[:500]
            ledger.write(DriverStopped(time=time.time(), reason="error", message=message))
        raise
    write_end(ledger, outcome)
    return outcome


def _phases(run: Run) -> Outcome:
    extend(run)
    limits = _search(run)
    best = run.ledger.best()
    if not run.interrupt:
        problem = problem_of(run.spec, run.folder, run.ledger, limits)
        if problem is None or isinstance(problem, TooManyFailed):
            write_importance(run.folder, run.spec, replayed(run.folder).trials())
        if problem is not None:
            return Outcome("done", best, problem)
        confirm(run)
    if run.interrupt:
        return Outcome("interrupted", best, signal=run.interrupt.reason)
    return Outcome("done", best)


def _search(run: Run) -> Limits:
    spec, ledger = run.spec, run.ledger
    limits = Limits(spec.budget, ledger, run.layout.concurrent)
    if "search" in run.replay.phases:
        return limits
    records = run.records("search")
    published = [spec.trial.resolve(entry.values) for entry in spec.published]
    scheduler = spec.scheduler.build(run.longest(records))
    verdicts = Verdicts(scheduler, spec.goals, lambda trial: ledger.entries[trial].facts)
    verdicts.replay(JournalReader(run.folder.journal))
    costs = Costs()
    proposer = Proposer(
        spec.trial, spec.searcher, spec.goals, seed_of(spec.seed, "search"), published, verdicts.telling, rules_of(spec, costs)
    )
    for record in records:
        if record.parent is None:
            proposer.restore(record)
    ledger.phase, ledger.planned = "search", _planned(spec, len(published))
    interrupted = [record for record in records if record.status is None]
    nursery = _nursery(run, scheduler, records)
    source: TrialSource
    if nursery is None:
        source = SearchSource(spec, proposer, ledger, run.jobs, limits, interrupted, run.stopped, costs)
    else:
        founding = SearchSource(spec, proposer, ledger, run.jobs, limits, (), run.stopped, costs, nursery.started)
        source = PopulationSource(founding, nursery, ledger, run.jobs, limits, run.stopped)
    run.go_through(source, verdicts)
    if not run.interrupt:
        ledger.end_phase(source.reason)
    return limits


def _nursery(run: Run, scheduler: Scheduler, records: Sequence[TrialRecord]) -> Nursery | None:
    config = run.spec.scheduler
    if not (isinstance(scheduler, Breeder) and isinstance(config, Pbt)):
        return None
    return Nursery(run.spec, config, scheduler, run.ledger, run.folder.trials, records)


def _planned(spec: StudySpec, published: int) -> int | None:
    if spec.scheduler.founders is not None:
        return spec.budget.trials  # how many children there will be is not known
    size = spec.searcher.size(spec.trial)
    again = published if spec.duplicates == "allow" else 0  # else what was published is not proposed again
    limits = [limit for limit in (spec.budget.trials, None if size is None else size + again) if limit is not None]
    return min(limits, default=None)
