"""Trainings that go wrong, each in one way; what they share with a good one is `fake_fit`."""

from __future__ import annotations

import errno
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import fake_fit
import torch
from ray.exceptions import OutOfMemoryError

from raysearch.errors import DataError, OutOfMemory, Preempted
from raysearch.spec.trial import TrialConfig
from raysearch.train.atomic import write_atomically
from raysearch.train.files import TrialResult
from raysearch.train.reporter import Report, Reporter
from raysearch.train.state import TrialIO, persistently

METRICS = (float("nan"), float("inf"), float("-inf"), None, "31.5 dB", True)


def number_of(io: TrialIO) -> int:
    return int(io.folder.name)


def odd_metrics(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Trial n reports `METRICS[n]` as its objective; the next one a NaN beside a good one; the rest are good."""
    number = number_of(io)
    if number == len(METRICS):
        reporter.report(Report(10, trial.steps, {"psnr": 25.0, "ssim": float("nan"), "lpips": "text"}))  # type: ignore[dict-item]
    elif number < len(METRICS):
        value = METRICS[number]
        reporter.report(Report(10, trial.steps, {"ssim": 0.5} | ({} if value is None else {"psnr": value})))  # type: ignore[dict-item]
    return fake_fit.quick(trial, io, reporter)


def hungry(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Trial 0 has memory for the whole batch, 1 for a half, 2 for a quarter (each lacks it in its own way), 3 never has enough."""
    number = number_of(io)
    fake_fit._note(io, parts=io.parts)
    if io.parts < 2**number or number == 3:
        if io.parts == 1:
            reporter.report(Report(10, trial.steps, {"psnr": fake_fit.quality(trial) * 0.625}))
            (io.folder / "fake.json").write_text('{"step": 10}')
        raise (OutOfMemory("24 GiB were not enough"), torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), MemoryError())[
            number
        ]
    return fake_fit.quick(trial, io, reporter)


def ended_by_ray(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Trial 0 needs more memory than its machine has, unless it takes its batch in pieces."""
    if number_of(io) == 0 and io.parts == 1:
        raise OutOfMemoryError("Task was killed due to the node running low on memory.")
    return fake_fit.quick(trial, io, reporter)


def without_photographs(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """From trial 2 on the photographs are gone, until there is a file ``photographs`` in the run's folder."""
    if number_of(io) >= 2 and not (io.folder.parents[1] / "photographs").exists():
        raise DataError("there is no such folder", place="photographs/train", remedy="put it back")
    return fake_fit.quick(trial, io, reporter)


def on_a_full_disk(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Trial 1 can't write its checkpoint until there is a file ``room`` in the run's folder; trial 2 meets a raw error."""
    room = io.folder.parents[1] / "room"
    if number_of(io) == 1 and not room.exists():
        raise_full = OSError(errno.ENOSPC, "No space left on device")

        def write() -> None:
            if not room.exists():
                raise raise_full
            write_atomically(io.folder / "checkpoint", b"whole")

        persistently(io, write)
    if number_of(io) == 2 and not room.exists():
        raise OSError(errno.EIO, "Input/output error", str(io.folder / "pixels"))
    return fake_fit.quick(trial, io, reporter)


def careful(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Writes before each report as `fit` does: with patience, and into a folder that must be there."""
    state = io.folder / "fake.json"
    begin = json.loads(state.read_text())["step"] if state.exists() else 0
    fake_fit._note(io, start=begin)
    for step in range(max(begin, 10), trial.steps + 1, 10):
        text = b'{"step": %d}' % step
        persistently(io, lambda text=text: write_atomically(state, text))  # type: ignore[misc]
        reporter.report(Report(step, trial.steps, {"psnr": fake_fit.quality(trial) * (0.5 + 0.5 * step / trial.steps)}))
    return TrialResult("finished", trial.steps, {"psnr": fake_fit.quality(trial)}, 0.0, {})


def all_bad(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    raise ZeroDivisionError("a bug in the study")


def first_bad(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    return all_bad(trial, io, reporter) if number_of(io) == 0 else fake_fit.quick(trial, io, reporter)


def unsteady(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Fails twice before it works."""
    marks = Path(io.folder / "failures")
    times = len(marks.read_text()) if marks.exists() else 0
    if times < 2:
        marks.write_text("x" * (times + 1))
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    return fake_fit.quick(trial, io, reporter)


def takes_time(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    time.sleep(0.15)
    result = fake_fit.quick(trial, io, reporter)
    return replace(result, seconds=result.seconds + 0.15)


def hangs(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Trial 3 always hangs after its first report, others once."""
    if number_of(io) == 3 or not (io.folder / "hung").exists():
        (io.folder / "hung").touch()
        reporter.report(Report(10, trial.steps, {"psnr": fake_fit.quality(trial) * 0.625}))
        (io.folder / "fake.json").write_text('{"step": 10}')
        wait_for_ever_in_a_lock()
    return fake_fit.quick(trial, io, reporter)


def one_rank_hangs_once(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Rank 1 goes missing after the first report, so that rank 0 waits for it in a barrier."""
    if not (io.folder / "hung").exists():
        io.world.barrier()
        if io.world.rank == 0:
            reporter.report(Report(10, trial.steps, {"psnr": fake_fit.quality(trial) * 0.625}))
            (io.folder / "fake.json").write_text('{"step": 10}')
            (io.folder / "hung").touch()
            io.world.barrier()
        wait_for_ever_in_a_lock()
    return fake_fit.quick(trial, io, reporter)


def wait_for_ever_in_a_lock() -> None:
    while True:
        time.sleep(3600)


def asked_to_leave_once(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Like `fit`: between two steps it looks whether it was asked to leave, and leaves with a checkpoint."""
    state = io.folder / "fake.json"
    if (io.folder / "left").exists():
        return fake_fit.quick(trial, io, reporter)
    fake_fit._note(io, start=0)
    reporter.report(Report(10, trial.steps, {"psnr": fake_fit.quality(trial) * 0.625}))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.05)
        io.alive()
        if io.asked_to_leave():
            state.write_text('{"step": 20}')
            (io.folder / "left").touch()
            raise Preempted("the process was asked to leave its machine at step 20")
    raise AssertionError("nobody asked")


def segfault_once(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Trial 0 ends with os._exit(1), trial 1 with a segmentation fault, each once."""
    number = number_of(io)
    if number < 2 and not (io.folder / "died").exists():
        (io.folder / "died").touch()
        if number == 0:
            os._exit(1)
        os.kill(os.getpid(), 11)
    return fake_fit.quick(trial, io, reporter)


def fails_on_bad_machine(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Fails at once where the machine is marked as bad."""
    import ray

    node = ray.get_runtime_context().get_node_id()
    fake_fit._note(io, node=node)
    if node in (io.folder.parents[1] / "bad").read_text().split():
        raise RuntimeError("CUDA error: no CUDA-capable device is detected")
    return fake_fit._train(trial, io, reporter, 0.4)


def each_its_own(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """By number: 0 and 1 die once, 2 hangs once, 3 hangs always, 4 is slow and lives, 5 is asked to leave, the rest are good."""
    match number_of(io):
        case 0 | 1:
            return segfault_once(trial, io, reporter)
        case 2 | 3:
            return hangs(trial, io, reporter)
        case 4:
            for _ in range(45):
                time.sleep(0.1)
                io.alive()
        case 5:
            return asked_to_leave_once(trial, io, reporter)
    return fake_fit.quick(trial, io, reporter)
