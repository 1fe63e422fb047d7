"""Training functions that stand in for `raysearch.train.loop.fit`: they obey the same contract and take milliseconds.

The learning rate is the quality (``psnr = 20 + 1000 lr`` at full length).
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from raysearch.errors import Diverged, OutOfMemory, SpecError
from raysearch.spec.trial import TrialConfig
from raysearch.train.checkpoint import step_of
from raysearch.train.files import IMAGES, IMAGES_FILE, TrialResult
from raysearch.train.reporter import Report, Reporter
from raysearch.train.state import TrialIO


def quality(trial: TrialConfig) -> float:
    return 20.0 + 1000.0 * trial.recipe.optimizer.lr  # type: ignore[attr-defined]


def _note(io: TrialIO, **what: object) -> None:
    with (io.folder / f"life.{io.world.rank}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time": time.time(), "pid": os.getpid(), **what}) + "\n")


def life(folder: Path, rank: int = 0) -> list[dict[str, object]]:
    """What a trial noted: its starts, steps and heartbeats."""
    path = folder / f"life.{rank}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _train(trial: TrialConfig, io: TrialIO, reporter: Reporter, pause: float) -> TrialResult:
    began = time.monotonic()
    state = io.folder / "fake.json"
    begin = step_of(io.start.checkpoint) if io.start else 0
    step = json.loads(state.read_text(encoding="utf-8"))["step"] if state.exists() else begin
    _note(io, start=step)

    def report() -> None:
        value = quality(trial) * (0.5 + 0.5 * step / trial.steps)
        metrics = {"psnr": value, "ssim": 0.5, "train_seconds": time.monotonic() - began, "patches_per_second": 100.0}
        if io.world.rank == 0:
            state.write_text(json.dumps({"step": step}), encoding="utf-8")
            reporter.report(Report(step, trial.steps, metrics))

    io.world.barrier()
    if step:
        report()  # as `fit` does: the process may have been lost between checkpoint and report
    while step < trial.steps:
        end = time.monotonic() + pause
        while time.monotonic() < end:
            time.sleep(0.05)
            _note(io, beat=step)
        step = min(trial.steps, step + trial.evaluate.every)
        io.world.barrier()
        report()
    facts = {"workers": io.world.size, "parameters": 1}
    metrics = {"psnr": quality(trial) - (1.0 if io.split == "test" else 0.0), "ssim": 0.5}
    return TrialResult("finished", step, metrics, time.monotonic() - began, dict(facts))


def quick(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    return _train(trial, io, reporter, 0.0)


def third_fails(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Trial 2 has a problem that raysearch has a name for."""
    if io.folder.name == "0002":
        raise SpecError("something is wrong with the third")
    return _train(trial, io, reporter, 0.0)


def imaged(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Writes per-image values of four photographs, which vary with the seed by hundredths."""
    found = _train(trial, io, reporter, 0.0)
    noise = np.random.default_rng(trial.seed + int(1e6 * quality(trial))).normal(scale=0.01, size=4)
    place = {"split": io.split, "dataset": "d", "level": "l", "protocol": "p", "ssim": 0.9}
    rows = [{**place, "image": str(i), "psnr": quality(trial) + i + float(noise[i])} for i in range(4)]
    pq.write_table(pa.Table.from_pylist(rows, schema=IMAGES), io.folder / IMAGES_FILE)
    return found


def slow(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    return _train(trial, io, reporter, 0.5)


def eventful(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """By the trial's number: 1 diverges, 2 runs out of memory, 3 reports infinity, 4 is killed once, 5 has a bug."""
    match int(io.folder.name):
        case 1:
            raise Diverged("the loss is NaN", place="loss l2", remedy="lower the learning rate")
        case 2:
            raise OutOfMemory("24 GiB were not enough")
        case 3:
            reporter.report(Report(10, trial.steps, {"psnr": float("inf"), "ssim": 0.5}))
        case 4:
            return dies_once(trial, io, reporter)
        case 5:
            raise ZeroDivisionError("</script> a bug in the study")
    return _train(trial, io, reporter, 0.0)


def one_rank_fails(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """After the first report one rank fails and the other waits for it: trial 0 on rank 0, 1 and 2 on rank 1; 3 goes well."""
    number = int(io.folder.name)
    if number == 3:
        return _train(trial, io, reporter, 0.0)
    if io.world.rank == 0:
        reporter.report(Report(10, trial.steps, {"psnr": quality(trial)}))
    io.world.barrier()
    if io.world.rank == min(number, 1):
        raise (Diverged("the loss is NaN"), OutOfMemory("24 GiB were not enough"), ZeroDivisionError("a bug"))[number]
    io.world.barrier()
    raise AssertionError("the barrier let a rank through")


def stop_or_die(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Trial 0 is killed once; all are slow enough to be stopped."""
    if io.folder.name == "0000":
        return dies_once(trial, io, reporter)
    return slow(trial, io, reporter)


def dies_once(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """The process of rank 0 is killed after the first report of the first attempt."""
    return _train(trial, io, _KillAfterFirst(io, reporter), 0.0)


class _KillAfterFirst:
    """Passes the first report on, then kills the process, unless it died already."""

    def __init__(self, io: TrialIO, reporter: Reporter) -> None:
        self.io = io
        self.reporter = reporter

    def report(self, report: Report) -> None:
        self.reporter.report(report)
        if not (self.io.folder / "died").exists():
            (self.io.folder / "died").touch()
            time.sleep(0.5)  # a message that is under way arrives
            os.kill(os.getpid(), 9)
