"""How fast a network restores, and what it costs: measured on one device, each network in a process of its own.

A measurement restores the same batch again and again in one pass, without tiles and without gradient, as evaluation does (weights
channels-last), after some passes that do not count. Times are wall time from call to finished result, the device synchronised. The
input is a clean batch of uniform random pixels, degraded by the network's task; the time does not depend on what is in it.

Peak memory is, on a GPU, the most that torch's allocator held at once; on a CPU, weights and input and by how much the process grew
at most during the passes that do not count (Linux alone tells that). Both contain weights, input, activations and workspace. A
process of its own keeps one network's memory and caches from another's.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

import torch
from torch import nn

from raysearch import component
from raysearch.errors import OutOfMemory
from raysearch.models._count import cost
from raysearch.recipes._precision import autocast_dtype
from raysearch.recipes.base import Precision
from raysearch.rng import torch_generator
from raysearch.tasks.base import Pair
from raysearch.train.candidate import Candidate, candidate
from raysearch.train.memory import forget_peak, peak_bytes, resident_bytes

_QUARTERS = 4


@dataclass(frozen=True)
class Setting:
    """What is measured, and how.

    Attributes:
        task: kind or YAML of the task, for networks that bring none.
        height: of the degraded image, in pixels; the next larger one that the network takes.
        width: likewise.
        batch: images at a time.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        precision: of the forward pass.
        threads: of torch on a CPU.
        warmup: passes that do not count.
        repeats: passes that count.
    """

    task: str
    height: int
    width: int
    batch: int
    device: str
    precision: Precision
    threads: int
    warmup: int
    repeats: int


@dataclass(frozen=True)
class Speed:
    """One row of the table.

    Attributes:
        network: as it was asked for.
        height, width: of the input that was measured, in pixels.
        parameters: trainable parameters.
        macs: multiply-accumulates for one image of that size.
        images_per_second: batch over the median of the passes.
        seconds: median of the passes.
        seconds_low, seconds_high: quartiles of the passes.
        peak_bytes: see the module's docstring; None where the system does not tell.
        passes: that counted; one without any before it for a network that trains in each (`ModelConfig.trains_in_calls`).
    """

    network: str
    height: int
    width: int
    parameters: int
    macs: int
    images_per_second: float
    seconds: float
    seconds_low: float
    seconds_high: float
    peak_bytes: int | None
    passes: int


def measure_apart(name: str, setting: Setting) -> Speed:
    """Measure a network in a process of its own.

    Raises:
        SpecError: there is no such network, or it does not take such images.
        OutOfMemory: the device, or the system, ran out of memory.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        try:
            return pool.submit(_measure_here, name, setting, component.imports_allowed()).result()
        except BrokenProcessPool as error:
            raise OutOfMemory(f"the process that measured {name} was killed, most likely for its memory") from error


def _measure_here(name: str, setting: Setting, imports: bool) -> Speed:
    if imports:
        component.allow_imports()
    return measure(candidate(name, setting.task), setting)


def measure(network: Candidate, setting: Setting) -> Speed:
    """Measure a network in this process.

    Raises:
        OutOfMemory: the device's memory does not suffice.
    """
    torch.set_num_threads(setting.threads)
    device = torch.device(setting.device)
    height, width = network.taken(setting.height, setting.width)
    if network.model.trains_in_calls:
        setting = replace(setting, warmup=0, repeats=1)
    counted = cost(network.net, network.task.channels_in, (height, width), sigma=True)
    pair = _pair(network, setting.batch, height, width)
    try:
        times, peak = _timed(network.net.to(device), pair, setting, device)
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(f"{network.name} does not fit on {setting.device} with {setting.batch} images at a time") from error
    low, middle, high = _quartiles(times)
    rate = setting.batch / middle
    return Speed(network.name, height, width, counted.parameters, counted.macs, rate, middle, low, high, peak, len(times))


def _timed(net: nn.Module, pair: Pair, setting: Setting, device: torch.device) -> tuple[list[float], int | None]:
    """Return the seconds of every pass that counts, and the peak memory of those before, or of these where there are none."""
    degraded, sigma = pair.degraded.to(device), None if pair.sigma_255 is None else pair.sigma_255.to(device)
    dtype = autocast_dtype(setting.precision, device)
    held = sum(t.nbytes for t in (*net.parameters(), *net.buffers(), degraded))

    def once() -> float:
        began = time.perf_counter()
        with torch.no_grad(), torch.autocast(device.type, dtype, enabled=dtype is not torch.float32):
            net(degraded, sigma)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - began

    meter = _Meter(device)
    for _ in range(setting.warmup):
        once()
    before = meter.peak(held)
    times = [once() for _ in range(setting.repeats)]
    return times, before if setting.warmup else meter.peak(held)


class _Meter:
    """Sees how much memory is used at most from its birth on."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        told = forget_peak(device)
        self._before = resident_bytes() if told and device.type != "cuda" else 0

    def peak(self, held: int) -> int | None:
        """Return the peak in bytes, where ``held`` were in use at the beginning."""
        most = peak_bytes(self._device)
        return most if most is None or self._device.type == "cuda" else held + most - self._before


def _pair(network: Candidate, batch: int, height: int, width: int) -> Pair:
    """Degrade random images so that the network's input has this size; a noise level is given in any case."""
    scale, generator = network.task.scale, torch_generator(0, "speed")
    clean = torch.rand(batch, network.task.channels_stored, height * scale, width * scale, generator=generator)
    task = next(iter(network.task.levels().values()))
    pair = task.degrade(clean, generator)
    sigma = torch.full((batch, 1, 1, 1), 25.0) if pair.sigma_255 is None else pair.sigma_255
    return Pair(pair.degraded, pair.clean, sigma)


def _quartiles(times: list[float]) -> tuple[float, float, float]:
    if len(times) == 1:
        return times[0], times[0], times[0]
    low, middle, high = statistics.quantiles(times, n=_QUARTERS, method="inclusive")
    return low, middle, high
