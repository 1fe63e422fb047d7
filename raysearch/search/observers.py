"""Where a running study can be watched besides the terminal: TensorBoard files and Ray's metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, get_args

from ray.util.metrics import Counter, Gauge
from tensorboardX import SummaryWriter
from tensorboardX.summary import hparams

from raysearch.results.events import Event, Leaf, Status, TrialEnded, TrialReported, TrialStarted
from raysearch.results.record import TrialRecord
from raysearch.search.progress import Summary
from raysearch.search.strips import strips
from raysearch.train.files import SAMPLES

_STATES = ("running", *get_args(Status))


class TensorBoard:
    """Writes the scalars, hyperparameters and restored images of each trial under ``FOLDER/0007``.

    Args:
        metric: the objective, which stands beside the hyperparameters.
        earlier: trials of earlier drivers; those that did not end go on.
        home: the folder of a trial's files, by its number; without it there are no images.
    """

    def __init__(
        self, folder: Path, metric: str, earlier: Sequence[TrialRecord] = (), home: Callable[[int], Path] | None = None
    ) -> None:
        self._folder = folder
        self._metric = metric
        self._home = home
        self._writers: dict[int, SummaryWriter] = {}
        self._values = {trial.number: _shown(trial.values) for trial in earlier if trial.status is None}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for writer in self._writers.values():
            writer.close()

    def on_event(self, event: Event, summary: Summary) -> None:
        """Write what a trial's events tell."""
        if isinstance(event, TrialStarted):
            self._values[event.trial] = _shown(event.values)
            if event.parent is not None:
                line = f"child of trial {event.parent:04d} from step {event.parent_step} on"
                self._writer(event.trial).add_text("lineage", line, event.parent_step, walltime=event.time)
        elif isinstance(event, TrialReported):
            writer = self._writer(event.trial)
            for name, value in event.metrics.items():
                writer.add_scalar(name, value, event.step, walltime=event.time)
            writer.flush()
        elif isinstance(event, TrialEnded):
            self._end(event)

    def _end(self, event: TrialEnded) -> None:
        writer = self._writers.pop(event.trial, None)
        values = self._values.pop(event.trial, {})
        if writer is None:
            return
        if event.value is not None and values:
            name = f"hparam/{self._metric}"
            for part in hparams(values, {name: event.value}):  # add_hparams would open a second file, maybe of the same name
                writer.file_writer.add_summary(part)
            writer.add_scalar(name, event.value, event.step, walltime=event.time)
        for name, strip in () if self._home is None else strips(self._home(event.trial) / SAMPLES):
            writer.add_image(name, strip, event.step, walltime=event.time, dataformats="HWC")
        writer.close()

    def _writer(self, trial: int) -> SummaryWriter:
        if trial not in self._writers:
            folder = self._folder / f"{trial:04d}"
            suffix = f".{len(list(folder.glob('*')))}"  # a file's name is a second; an earlier driver may have had the same one
            self._writers[trial] = SummaryWriter(str(folder), max_queue=1000, flush_secs=3600, filename_suffix=suffix)
        return self._writers[trial]


def _shown(values: Mapping[str, Leaf]) -> dict[str, bool | str | float | int]:
    """Return values as TensorBoard takes them: it knows no null."""
    return {name: "none" if value is None else value for name, value in values.items()}


class RayMetrics:
    """Publishes the objective, the states of trials and the training speed as Ray metrics (for Prometheus and the dashboard)."""

    def __init__(self, metric: str) -> None:
        self._metric = metric
        self._value = Gauge(f"raysearch_{metric}", f"{metric} at a trial's last report", tag_keys=("trial",))
        self._best = Gauge(f"raysearch_best_{metric}", f"best {metric} of a finished trial")
        self._trials = Gauge("raysearch_trials", "trials of the current phase by state", tag_keys=("phase", "state"))
        self._speed = Gauge("raysearch_patches_per_second", "training patches per second of a trial", tag_keys=("trial",))
        self._reports = Counter("raysearch_reports", "reports of all trials")
        self._shown: Summary | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing to close: Ray keeps the metrics."""

    def on_event(self, event: Event, summary: Summary) -> None:
        """Publish what an event changes."""
        if self._shown is None or (summary.phase, summary.counts) != (self._shown.phase, self._shown.counts):  # few reports do
            for state in _STATES:
                self._trials.set(summary.counts.get(state, 0), {"phase": summary.phase, "state": state})
        if summary.best is not None:
            self._best.set(summary.best.value)
        self._shown = summary
        if isinstance(event, TrialReported):
            tags = {"trial": f"{event.trial:04d}"}
            self._reports.inc()
            self._value.set(event.metrics[self._metric], tags)
            if math.isfinite(speed := event.metrics.get("patches_per_second", math.nan)):
                self._speed.set(speed, tags)
