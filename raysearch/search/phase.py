"""One phase of a study as one Ray Tune run that is started afresh; nothing of Tune outlives it."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import TrialScheduler

from raysearch.search.attempts import Attempts
from raysearch.search.callbacks import DriverCallback
from raysearch.search.ray_internals import away_from, trial_class
from raysearch.search.searcher import JournalSearcher, TrialSource
from raysearch.search.train_trial import run_in_train
from raysearch.search.trainable import run_in_tune

_DRIVER_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the new output prints a box at verbosity 0 too
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",  # else Tune starts such a trial again by itself
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # the last report of a trial shows its metric to no scheduler
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # Tune's own state is never read
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


@dataclass(frozen=True)
class Layout:
    """How trials lie on the cluster.

    Attributes:
        trains: trials are Ray Train runs.
        workers, cpus, gpus: workers of a trial, and what each has.
        concurrent: trials at once.
    """

    trains: bool
    workers: int
    cpus: int
    gpus: float
    concurrent: int


def run_phase(
    source: TrialSource, attempts: Attempts, callback: DriverCallback, scheduler: TrialScheduler, layout: Layout, log: Path
) -> None:
    """Run trials until the source has no more; return early when Tune was told to stop.

    Args:
        attempts: has the lost trials that start again.
        log: file to which Tune's own log is appended.
    """
    with tempfile.TemporaryDirectory(prefix="rs-tune-") as storage, _environment(), _logging_to(log):
        tune.run(
            tune.with_resources(_trainable(layout), partial(_resources, layout)),
            name="tune",
            storage_path=storage,
            search_alg=JournalSearcher(source, attempts),
            scheduler=scheduler,
            num_samples=-1,
            max_concurrent_trials=layout.concurrent,
            reuse_actors=not layout.trains,  # a reused actor can't start a second Train run
            max_failures=0,  # what becomes of a lost trial is decided in `raysearch.search.attempts`
            raise_on_failed_trial=False,
            callbacks=[callback],
            trial_name_creator=_name,
            trial_dirname_creator=_name,
            verbose=0,
        )


def _trainable(layout: Layout) -> type:
    return trial_class(run_in_train if layout.trains else run_in_tune, trains=layout.trains)


def _resources(layout: Layout, config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """Return what Tune reserves for a trial. The driver of a Train run needs no CPU, but Tune refuses an empty request."""
    if layout.trains:
        return tune.PlacementGroupFactory([{"memory": 1}])
    bundles = [{"CPU": layout.cpus, "GPU": layout.gpus}]
    away = away_from(config["avoid"])
    return tune.PlacementGroupFactory(bundles, bundle_label_selector=[away]) if away else tune.PlacementGroupFactory(bundles)


def _name(trial: Any) -> str:
    return f"{trial.config['trial']:04d}-{trial.trial_id}"


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _DRIVER_ENVIRONMENT}
    os.environ.update(_DRIVER_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send what Ray logs in this process to a file instead of the terminal."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    loggers = [logging.getLogger(name) for name in ("ray.tune", "ray.train", "ray.air")]
    before = [(one.level, one.propagate) for one in loggers]
    for one in loggers:
        one.addHandler(handler)
        one.setLevel(logging.WARNING)
        one.propagate = False
    results = logging.getLogger("ray.tune.analysis")  # warns that Tune's own result files are missing: they are switched off
    results.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for one, (level, propagate) in zip(loggers, before, strict=True):
            one.removeHandler(handler)
            one.setLevel(level)
            one.propagate = propagate
        handler.close()
