"""A trial in its own process: runs `fit`, and turns whatever comes of it into messages for the driver."""

from __future__ import annotations

import gc
import importlib
import json
import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from ray import tune

from raysearch import component
from raysearch.errors import DataError, Diverged, OutOfMemory, Preempted, RaysearchError, StorageError
from raysearch.results.events import Leaf, Status
from raysearch.search.job import Ended, GaveUp, Job, Message, Reported, to_result
from raysearch.search.leaving import trial_here
from raysearch.search.reading import noting_reads, unread
from raysearch.search.remote import with_copies
from raysearch.search.watchdog import Watchdog, watching
from raysearch.spec.trial import TrialConfig
from raysearch.train.atomic import write_atomically
from raysearch.train.changing import Stage, fit_in_stages
from raysearch.train.files import CONFIG, LOG, TrialResult
from raysearch.train.patience import DISK, REFUSALS
from raysearch.train.state import Start, TrialIO
from raysearch.train.world import SingleWorld, World

if TYPE_CHECKING:
    from raysearch.train.reporter import Report, Reporter

    Fit = Callable[[TrialConfig, TrialIO, Reporter], TrialResult]

logger = logging.getLogger("raysearch")


def run_in_tune(config: dict[str, Any]) -> None:
    """Run a one-worker trial inside a Ray Tune actor: the function that Tune calls."""
    job = Job.from_json(config["job"])

    def send(message: Message) -> None:
        tune.report(to_result(message))

    run_job(job, SingleWorld(), torch.device("cuda" if job.gpus > 0 else "cpu"), send)


class GivenUp(Exception):
    """Ends a process that has said why it can't go on (`raysearch.search.job.GaveUp`), so that what it holds is free."""


class MessageReporter:
    """Sends each report of `fit` on, and refuses objectives that are not finite."""

    def __init__(self, metrics: Sequence[str], send: Callable[[Message], None], watchdog: Watchdog) -> None:
        self.metrics = metrics
        self.send = send
        self.step = 0
        self._watchdog = watchdog
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since the process began with the trial."""
        return time.monotonic() - self._began

    def report(self, report: Report) -> None:
        """Send the report.

        Raises:
            Diverged: an objective is NaN or infinite.
            RaysearchError: one is missing, or no number.
        """
        self.step = report.step
        for metric in self.metrics:
            _require_finite(metric, report.metrics)
        with self._watchdog.waiting():
            self.send(Reported(report.step, report.steps, _only_finite(report.metrics), self.seconds))


def run_job(job: Job, world: World, device: torch.device, send: Callable[[Message], None]) -> None:
    """Run a trial on ``device`` to its end and send what happens; of ranks other than 0, ``send`` passes bad ends on only.

    Divergence and errors that raysearch names are outcomes, told as such. Any other exception is raised, so that the trial starts
    again, from its checkpoint, in another process.

    Raises:
        GivenUp: the process can't go on, and has said why.
    """
    if job.allow_imports:
        component.allow_imports()
    folder = Path(job.folder)
    threads = max(1, job.cpus)
    torch.set_num_threads(threads)
    try:
        folder.mkdir(parents=bool(job.storage), exist_ok=True)  # without copies the run's folder is there, or its disk is gone
        if world.rank == 0:
            send = with_copies(job, send)
        with (
            _log_to(folder / LOG, logging.INFO if world.rank == 0 else logging.ERROR),
            watching(folder / LOG, job.stall_s) as watchdog,
            trial_here() as asked_to_leave,
        ):
            io = TrialIO(
                folder=folder,
                cache=Path(job.cache),
                world=world,
                device=device,
                split=job.split,
                threads=threads,
                parts=job.parts,
                patience_s=job.patience_s,
                alive=watchdog.beat,
                asked_to_leave=asked_to_leave,
                start=Start(Path(job.start), job.start_key) if job.start else None,
                keep_every=job.keep_every,
            )
            outcome = _outcome(job, io, MessageReporter((job.metric, *job.others), send, watchdog))
            with watchdog.waiting():
                send(outcome)
            if isinstance(outcome, GaveUp):
                raise GivenUp(outcome.kind)
    except OSError as error:  # the folder or the log
        if error.errno not in REFUSALS:
            raise
        send(_gave_up(job, error))
        raise GivenUp("storage") from error
    finally:
        _free_memory(job)  # also when Ray ends the thread because the scheduler stopped the trial


def _outcome(job: Job, io: TrialIO, reporter: MessageReporter) -> Ended | GaveUp:
    def bad(status: Status, error: BaseException) -> Ended:
        logger.error("trial %d: %s", job.trial, status, exc_info=error)
        return Ended(status, reporter.step, None, reporter.seconds, _one_line(error), {})

    try:
        result, left = _fit(job, io, reporter)
        for metric in (job.metric, *job.others):
            _require_finite(metric, result.metrics)
    except Diverged as error:
        return bad("diverged", error)
    except (Preempted, OutOfMemory, MemoryError, torch.OutOfMemoryError, DataError, StorageError) as error:
        return _gave_up(job, error)
    except RaysearchError as error:
        return bad("failed", error)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK:
            return _gave_up(job, error)
        logger.exception("trial %d: the process failed", job.trial)
        raise
    return Ended(result.status, result.step, result.metrics[job.metric], result.seconds, "", _storable(result.facts), left)


def _gave_up(job: Job, error: Exception) -> GaveUp:
    """Say why the process can't go on with a trial that is not over."""
    logger.error("trial %d: the process gives up", job.trial, exc_info=error)
    if isinstance(error, Preempted):
        return GaveUp("preempted", _one_line(error))
    if isinstance(error, DataError | StorageError):
        return GaveUp("data" if isinstance(error, DataError) else "storage", error.cause, error.place, error.remedy)
    if isinstance(error, OSError):
        place = str(error.filename or job.folder)
        return GaveUp("storage", f"the disk can't be used: {error.strerror or error}", place, "make room, then resume the run")
    return GaveUp("out_of_memory", _one_line(error))


def _fit(job: Job, io: TrialIO, reporter: MessageReporter) -> tuple[TrialResult, tuple[str, ...]]:
    """Train; return the result, and the searched places of the configuration that nothing has looked at."""
    trial = TrialConfig.parse(json.loads(job.config))
    if io.world.rank == 0:
        _write_config(io.folder / CONFIG, job.config)
    logger.info("trial %d: %d worker(s) on %s, process %d", job.trial, job.workers, io.device.type, os.getpid())
    stages = [Stage(TrialConfig.parse(json.loads(config)), until) for until, config in job.earlier]
    fit = load_fit(job.fit)
    with noting_reads() as read:
        result = fit_in_stages(fit, stages, trial, io, reporter) if stages else fit(trial, io, reporter)
    return result, unread(trial, job.tuned, read)


def load_fit(name: str) -> Fit:
    """Import a training function by ``module:name``."""
    module, _, attribute = name.partition(":")
    return cast("Fit", getattr(importlib.import_module(module), attribute))


def _write_config(path: Path, text: str) -> None:
    """Write the configuration, also over another one that a forgotten trial of the same number left."""
    content = (json.dumps(json.loads(text), indent=2) + "\n").encode()
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


def _require_finite(metric: str, metrics: dict[str, float]) -> None:
    value: object = metrics.get(metric)
    if value is None:
        raise RaysearchError(f"the trial reported no {metric!r}, which is the objective (it reported {', '.join(sorted(metrics))})")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RaysearchError(f"{metric!r}, the objective, is {str(value)[:100]!r}, which is no number")
    if not math.isfinite(value):
        raise Diverged(
            f"{metric} is {value}", remedy="an infinite PSNR means that the restored image is the clean one: check the task"
        )


def _only_finite(metrics: dict[str, float]) -> dict[str, float]:
    """Leave out what a journal can't hold, with a warning in the trial's log."""
    kept = {name: value for name, value in metrics.items() if isinstance(value, int | float) and math.isfinite(value)}
    for name in metrics.keys() - kept.keys():
        logger.warning("%s is %s: left out of the report", name, str(metrics[name])[:100])
    return kept


def _storable(facts: Mapping[str, Leaf]) -> dict[str, Leaf]:
    """Return facts, with None for numbers that are not finite."""
    return {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in facts.items()}


@contextmanager
def _log_to(path: Path, level: int) -> Iterator[None]:
    """Append what raysearch logs, and warnings, to the trial's own file, from a level on."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    sources = (logger, logging.getLogger("py.warnings"))
    logging.captureWarnings(True)
    logger.setLevel(logging.INFO)
    for source in sources:
        source.addHandler(handler)
    try:
        yield
    finally:
        for source in sources:
            source.removeHandler(handler)
        logging.captureWarnings(False)
        handler.close()


def _one_line(error: BaseException) -> str:
    """Return the cause; place and remedy stand in the trial's log."""
    text = " ".join((error.cause if isinstance(error, RaysearchError) else str(error)).split())
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[:500]


def _free_memory(job: Job) -> None:
    """Give a GPU's memory back before the process takes its next trial; on the CPU, counting references does."""
    if job.gpus > 0:
        gc.collect()
        torch.cuda.empty_cache()
