"""Whether the parts of a configuration fit each other: sizes, channels, signals, lengths. Builds nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import lcm

from raysearch.errors import SpecError
from raysearch.metrics.base import metric
from raysearch.models.base import Geometry
from raysearch.spec.domain_syntax import Fault
from raysearch.spec.pairing import pairing_fault
from raysearch.spec.trial import TrialConfig

_SIZE = ("patch", "size")


def disagreements(trial: TrialConfig, workers: int) -> Iterator[Fault]:
    """Say what in a valid configuration does not fit together; paths are those of the configuration.

    Args:
        trial: the configuration.
        workers: processes that share a batch.
    """
    yield from _patch(trial, trial.model.geometry())
    yield from _signals(trial)
    yield from _pairing(trial)
    yield from _protocol(trial)
    yield from _lengths(trial, workers)


def _patch(trial: TrialConfig, geometry: Geometry) -> Iterator[Fault]:
    """Check the patch against the task, the network, and the sampler, which sees what the network leaves of it."""
    size, scale = trial.patch.size, trial.task.scale
    grain = lcm(trial.task.multiple_of, scale * geometry.multiple_of)
    if size % grain:
        below, above = size // grain * grain, (size // grain + 1) * grain
        needs = f"task {_kind(trial.task)} and model {_kind(trial.model)} need a multiple of {grain}"
        yield Fault(_SIZE, size, needs, f"write {above}" if below < 8 else f"write {below} or {above}")
    if size < scale * geometry.smallest:
        reason = f"model {_kind(trial.model)} needs patches of at least {scale * geometry.smallest} pixels"
        yield Fault(_SIZE, size, reason, f"write {_up(scale * geometry.smallest, grain)} or more, or a shallower or padded model")
        return
    seen, least = size - 2 * geometry.margin, trial.sampler.smallest_patch
    if seen < least:
        loses = f", and the model leaves {seen} of these" if geometry.margin else ""
        reason = f"sampler {_kind(trial.sampler)} has nothing to choose below {least} pixels{loses}"
        cell = ", or a smaller cell for the sampler" if "cell" in type(trial.sampler).model_fields else ""
        yield Fault(_SIZE, size, reason, f"write {_up(least + 2 * geometry.margin, grain)} or more{cell}")


def _signals(trial: TrialConfig) -> Iterator[Fault]:
    missing = trial.sampler.needs - trial.recipe.gives
    if missing:
        reason = f"the sampler needs {', '.join(sorted(missing))}, which recipe {_kind(trial.recipe)} does not give"
        yield Fault(("sampler", "kind"), _kind(trial.sampler), reason, "choose another sampler or another recipe")
    if trial.lacking:
        loss = getattr(trial.recipe, "loss", trial.recipe)
        parts = f"neither model {_kind(trial.model)} nor task {_kind(trial.task)} gives"
        reason = f"the loss reads {', '.join(sorted(trial.lacking))}, which {parts}"
        yield Fault(("recipe", "loss"), _kind(loss), reason, "choose a model or a task that gives it, or another loss")


def _pairing(trial: TrialConfig) -> Iterator[Fault]:
    fault = pairing_fault(trial)
    if fault is not None:
        part, field = fault.place.split(".")
        config = getattr(trial, part)
        yield Fault((part, field), getattr(config, field, _kind(config)), fault.cause, fault.remedy)


def _protocol(trial: TrialConfig) -> Iterator[Fault]:
    """Check the protocol's colours against the task's images, and the metrics against the protocol."""
    protocol, task = trial.evaluate.protocol, trial.task
    path: tuple[str, ...] = ("evaluate", "protocol") if protocol.name else ("evaluate", "protocol", "space")
    try:
        protocol.require_channels(task.channels, luma=task.luma_only)
    except SpecError as error:
        yield Fault(path, protocol.name or protocol.space, f"task {_kind(task)}: {error.cause}", error.remedy)
        return
    for name in trial.evaluate.metrics:
        if metric(name).colour and protocol.space not in ("rgb", "rgb_each"):
            reason = f"{name} compares colours, and the protocol's space is {protocol.space}"
            yield Fault(("evaluate", "metrics"), name, reason, f"leave out {name}, or write space: rgb")


def _lengths(trial: TrialConfig, workers: int) -> Iterator[Fault]:
    if trial.evaluate.every > trial.steps:
        reason = f"a trial ends after {trial.steps} steps, before its first evaluation"
        yield Fault(("evaluate", "every"), trial.evaluate.every, reason, f"write at most {trial.steps}, or more steps")
    for part, config in (("recipe", trial.recipe), ("sampler", trial.sampler)):
        for path, warmup in _warmups(config.model_dump(mode="json"), (part,)):
            if warmup >= trial.steps:
                reason = f"a trial ends after {trial.steps} steps, within the warm-up"
                yield Fault(path, warmup, reason, f"write less than {trial.steps}, or more steps")
    if trial.batch % workers:
        reason = f"can't be shared evenly by {workers} workers"
        yield Fault(("batch",), trial.batch, reason, f"write {_up(trial.batch, workers)}, or change resources.workers")


def _warmups(data: Mapping[str, object], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Find the fields called ``warmup_steps``."""
    for key, value in data.items():
        if key == "warmup_steps" and isinstance(value, int):
            yield (*path, key), value
        elif isinstance(value, Mapping):
            yield from _warmups(value, (*path, key))


def _up(value: int, grain: int) -> int:
    return -(-value // grain) * grain


def _kind(config: object) -> str:
    return str(getattr(config, "kind", type(config).__module__.rsplit(".", 1)[-1]))
