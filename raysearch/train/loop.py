"""The training loop: one trial from its configuration to its result.

The order of a step: the sampler suggests rows of the patch index; they are read as bytes, moved to the device, augmented, scaled
and degraded there; the recipe takes the step and, between forward and backward pass, the sampler weighs its pixels.

With several workers every rank makes the *global* batch (read, augment, degrade) from the same generators and takes its slice,
so the batches, the noise and the sampler's decisions are those of one worker. This repeats cheap work on each rank and needs
nothing of a task but `TaskConfig.degrade`. Networks with batch statistics see their rank's part only and differ for that reason.
"""

from __future__ import annotations

import time
from math import isfinite
from typing import NoReturn

import torch
from torch import Tensor, nn

from raysearch.data.augment import augment, to_float
from raysearch.errors import Diverged, Preempted
from raysearch.samplers.base import Signals
from raysearch.shapes import PixelWeights
from raysearch.spec.trial import TrialConfig
from raysearch.tasks.base import Pair
from raysearch.train import outcome
from raysearch.train import state as states
from raysearch.train.evaluate import evaluate, means, open_sets
from raysearch.train.files import TrialResult
from raysearch.train.initial import initial_network
from raysearch.train.memory import forget_peak
from raysearch.train.reporter import Report, Reporter, StopTrial
from raysearch.train.state import TrainState, TrialIO
from raysearch.train.takeover import begin
from raysearch.train.world import share_of


def fit(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Train and evaluate one configuration; goes on from the newest checkpoint in the trial's folder, or from `TrialIO.start`.

    A resumed trial sends the report of its checkpoint again before it goes on (the process may have been lost between the
    checkpoint and the report): who receives a step twice takes it as one.

    Args:
        reporter: called on rank 0 only, after every evaluation; see `raysearch.train.reporter`.

    Raises:
        Diverged: a loss or metric is not finite, or an image was restored perfectly.
        OutOfMemory: the device's memory did not suffice.
        SpecError: the batch can't be divided among the workers, or the parts don't fit each other.
        DataError: photographs are missing, or are others than those of the checkpoint.
        StorageError: a disk refuses for longer than ``io.patience_s``.
        Preempted: the process was asked to leave; the checkpoint stands at the step that it had reached.
    """
    torch.set_num_threads(io.threads)
    began = time.monotonic()
    forget_peak(io.device)
    if io.world.rank == 0:
        io.folder.mkdir(parents=True, exist_ok=True)
    initial = initial_network(trial)
    net = initial.net
    if not any(True for _ in net.parameters()):
        return _classical(trial, io, reporter, net.to(io.device), began)
    state = states.fresh(trial, io, initial)
    stopped = begin(state, trial, io) and bool(state.reported) and _send(state, trial, io, reporter)
    validation = open_sets(trial, "validation", io.cache)
    while not stopped and (state.step < trial.steps or _due(state, trial)):
        if not _due(state, trial):  # it is, where the trial was asked to leave before it could report
            _interval(state, trial, io)
        if io.world.rank == 0 and state.moments.due(state.step):
            state.moments.record(state.step, states.glance(state, trial, io))
        rows = evaluate(state.recipe.evaluated(), trial, validation, io.world, io.device, None, io.alive)
        state.reported, state.reported_at = means(rows) | _progress(state, trial), state.step
        outcome.write_images(rows, io)
        state.clock.begin_interval()
        states.save(state, trial, io)
        stopped = _send(state, trial, io, reporter)
    metrics = state.reported
    if io.split == "test" and not stopped:
        metrics = outcome.test(state.recipe.evaluated(), trial, io)
    if io.world.rank == 0:
        outcome.write_choices(state, trial, io)
    io.world.barrier()
    facts = outcome.facts(net, trial, io) | {"patches": state.index.count}
    facts |= {"init_sha256": state.init_sha256} if state.init_sha256 else {}
    return TrialResult("stopped" if stopped else "finished", state.step, metrics, time.monotonic() - began, facts)


def _classical(trial: TrialConfig, io: TrialIO, reporter: Reporter, net: nn.Module, began: float) -> TrialResult:
    """Evaluate a method that has nothing to train; its one report is of step 0."""
    rows = evaluate(net, trial, open_sets(trial, "validation", io.cache), io.world, io.device, None, io.alive)
    metrics = means(rows)
    outcome.write_images(rows, io)
    stopped = _report(Report(0, trial.steps, metrics), io, reporter)
    if io.split == "test" and not stopped:
        metrics = outcome.test(net, trial, io)
    facts = outcome.facts(net, trial, io)
    return TrialResult("stopped" if stopped else "finished", 0, metrics, time.monotonic() - began, facts)


def _due(state: TrainState, trial: TrialConfig) -> bool:
    """Return whether the trial stands at a step that is to be reported and has not been."""
    at_report = state.step % trial.evaluate.every == 0 or state.step >= trial.steps
    return at_report and state.reported_at < state.step


def _interval(state: TrainState, trial: TrialConfig, io: TrialIO) -> None:
    """Train until the next report is due."""
    every = trial.evaluate.every
    target = min(trial.steps, (state.step // every + 1) * every)
    part = share_of(io.world, trial.batch)
    began = time.monotonic()
    while state.step < target:
        _step(state, trial, io, part)
        io.alive()
        if _asked_to_leave(io):
            _leave(state, trial, io, began)
    if io.device.type == "cuda":
        torch.cuda.synchronize(io.device)
    state.clock.add_seconds(time.monotonic() - began)


def _asked_to_leave(io: TrialIO) -> bool:
    """Return whether any rank was asked to leave its machine; all ranks get the same answer."""
    asked = io.asked_to_leave()
    return asked if io.world.size == 1 else bool(io.world.total(torch.tensor([int(asked)])))


def _leave(state: TrainState, trial: TrialConfig, io: TrialIO, began: float) -> NoReturn:
    """Write a checkpoint between two reports."""
    state.clock.add_seconds(time.monotonic() - began)
    states.save(state, trial, io)
    io.world.barrier()  # a rank that ends takes the others with it
    raise Preempted(f"the process was asked to leave its machine at step {state.step}")


def _step(state: TrainState, trial: TrialConfig, io: TrialIO, part: slice) -> None:
    """Take one optimisation step."""
    rows = io.world.agree(state.sampler.suggest(trial.batch))
    clean, ops = augment(_to_device(state.index.read(rows), io.device), trial.augment, state.generators["augment"])
    pair = trial.task.degrade(to_float(clean), state.generators["noise"])

    def weigh(signals: Signals) -> PixelWeights | None:
        weights = state.sampler.update(rows, _of_all_ranks(signals, trial, io))
        weights = None if weights is None else io.world.agree(weights)
        if io.world.rank == 0:
            state.usage.add(rows, ops, weights)
        return None if weights is None else weights[part]

    result = state.recipe.step(state.step, _cut(pair, part), weigh)
    clock = state.clock
    if not result.skipped:
        clock.add_losses(result)
    clock.recent_skips += result.skipped
    clock.recent_steps += 1
    clock.lr = result.lr
    clock.pixels_seen += trial.batch * trial.patch.size**2
    state.step += 1


def _to_device(pixels: Tensor, device: torch.device) -> Tensor:
    """Move stored pixels to the device; to a GPU from pinned memory, so that the copy overlaps with the previous step."""
    if device.type == "cuda":
        return pixels.pin_memory().to(device, non_blocking=True)
    return pixels.to(device)


def _cut(pair: Pair, part: slice) -> Pair:
    """Take a rank's part of a global batch."""
    told, hidden = (_cut_level(sigma, part, len(pair.degraded)) for sigma in (pair.sigma_255, pair.hidden_sigma_255))
    return Pair(pair.degraded[part], pair.clean[part], told, hidden)


def _cut_level(sigma_255: Tensor | None, part: slice, images: int) -> Tensor | None:
    return sigma_255[part] if sigma_255 is not None and sigma_255.shape[0] == images else sigma_255


def _of_all_ranks(signals: Signals, trial: TrialConfig, io: TrialIO) -> Signals:
    """Return the signals of the global batch. A sampler that reads none gets this rank's, to spare the traffic."""
    if io.world.size == 1 or not trial.sampler.needs:
        return signals
    gather = io.world.gather
    return Signals(gather(signals.restored), gather(signals.clean), gather(signals.loss_map))


def _progress(state: TrainState, trial: TrialConfig) -> dict[str, float]:
    """Return what a report says beside the evaluation, since the last report.

    Raises:
        Diverged: the mean loss is not finite.
    """
    clock = state.clock
    found = {
        "lr": clock.lr,
        "patches_per_second": clock.recent_steps * trial.batch / max(clock.recent_seconds, 1e-9),
        "train_seconds": clock.train_seconds,
        "pixels_seen": float(clock.pixels_seen),
    }
    steps = max(1, clock.recent_steps - clock.recent_skips)
    losses = {name: float(total) / steps for name, total in clock.recent_losses.items()}
    found |= losses | {f"sampler/{name}": value for name, value in state.sampler.statistics().items() if isfinite(value)}
    for name, value in losses.items():
        if not isfinite(value):
            raise Diverged(f"the mean {name} before step {state.step} is {value}", remedy="lower the lr")
    return found


def _send(state: TrainState, trial: TrialConfig, io: TrialIO, reporter: Reporter) -> bool:
    return _report(Report(state.reported_at, trial.steps, dict(state.reported)), io, reporter)


def _report(report: Report, io: TrialIO, reporter: Reporter) -> bool:
    """Report on rank 0 and tell every rank whether the trial shall stop."""
    stop = False
    if io.world.rank == 0:
        try:
            reporter.report(report)
        except StopTrial:
            stop = True
    return bool(io.world.agree(torch.tensor([int(stop)])))
