"""A trial in its own process: runs `fit`, and turns whatever comes of it into messages for the driver."""

from __future__ import annotations

import gc
import importlib
import json
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from ray import tune

from raysearch import component
from raysearch.errors import Diverged, OutOfMemory, RaysearchError
from raysearch.results.events import Status
from raysearch.search.job import Ended, Job, Message, Reported, to_result
from raysearch.spec.trial import TrialConfig
from raysearch.train.atomic import write_atomically
from raysearch.train.files import CONFIG, LOG, TrialResult
from raysearch.train.state import TrialIO
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


class MessageReporter:
    """Sends each report of `fit` on, and refuses an objective that is not finite."""

    def __init__(self, metric: str, send: Callable[[Message], None]) -> None:
        self.metric = metric
        self.send = send
        self.step = 0
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since the process began with the trial."""
        return time.monotonic() - self._began

    def report(self, report: Report) -> None:
        """Send the report.

        Raises:
            Diverged: the objective is missing, NaN or infinite.
        """
        self.step = report.step
        _require_finite(self.metric, report.metrics)
        self.send(Reported(report.step, report.steps, dict(report.metrics), self.seconds))


def run_job(job: Job, world: World, device: torch.device, send: Callable[[Message], None]) -> None:
    """Run a trial on ``device`` to its end and send what happens; of ranks other than 0, ``send`` passes bad ends on only.

    Divergence, exhausted memory and errors that raysearch names are outcomes, told as such. Any other exception is raised, so that
    Ray starts the trial again, from its checkpoint.
    """
    if job.allow_imports:
        component.allow_imports()
    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    threads = max(1, job.cpus)
    torch.set_num_threads(threads)
    try:
        with _log_to(folder / LOG, logging.INFO if world.rank == 0 else logging.ERROR):
            io = TrialIO(folder=folder, cache=Path(job.cache), world=world, device=device, split=job.split, threads=threads)
            send(_outcome(job, io, MessageReporter(job.metric, send)))
    finally:
        _free_memory(job)  # also when Ray ends the thread because the scheduler stopped the trial


def _outcome(job: Job, io: TrialIO, reporter: MessageReporter) -> Ended:
    def bad(status: Status, error: BaseException) -> Ended:
        logger.error("trial %d: %s", job.trial, status, exc_info=error)
        return Ended(status, reporter.step, None, reporter.seconds, _one_line(error), {})

    try:
        result = _fit(job, io, reporter)
        _require_finite(job.metric, result.metrics)
    except Diverged as error:
        return bad("diverged", error)
    except (OutOfMemory, MemoryError, torch.OutOfMemoryError) as error:
        return bad("out_of_memory", error)
    except RaysearchError as error:
        return bad("failed", error)
    except Exception:
        logger.exception("trial %d: the process failed", job.trial)
        raise
    return Ended(result.status, result.step, result.metrics[job.metric], result.seconds, "", dict(result.facts))


def _fit(job: Job, io: TrialIO, reporter: MessageReporter) -> TrialResult:
    trial = TrialConfig.parse(json.loads(job.config))
    if io.world.rank == 0:
        _write_config(io.folder / CONFIG, job.config)
    logger.info("trial %d: %d worker(s) on %s, process %d", job.trial, job.workers, io.device.type, os.getpid())
    return load_fit(job.fit)(trial, io, reporter)


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
    value = metrics.get(metric)
    if value is None:
        raise RaysearchError(f"the trial reported no {metric!r}, which is the objective (it reported {', '.join(sorted(metrics))})")
    if not math.isfinite(value):
        raise Diverged(
            f"{metric} is {value}", remedy="an infinite PSNR means that the restored image is the clean one: check the task"
        )


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
