"""What a trial leaves in its folder beside checkpoints, and the facts of its result."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as parquet
import torch
from torch import nn

from raysearch.models._count import macs, parameters
from raysearch.spec.trial import TrialConfig
from raysearch.train.arrays import save_arrays
from raysearch.train.atomic import write_atomically
from raysearch.train.evaluate import ImageScore, evaluate, means, open_sets, tiling_of
from raysearch.train.files import IMAGES_FILE, MOMENTS_FILE, PATCHES_FILE, SAMPLES, USAGE_FILE, images_schema
from raysearch.train.latency import latency_ms
from raysearch.train.memory import peak_bytes
from raysearch.train.moments import sample_of
from raysearch.train.patience import persistently
from raysearch.train.samples import SampleWriter
from raysearch.train.state import TrainState, TrialIO, glance

MACS_SIZE = 128
"""Side of the square input for which multiply-adds are stated, in pixels; the next larger one that the network takes."""


def test(net: nn.Module, trial: TrialConfig, io: TrialIO) -> dict[str, float]:
    """Evaluate on the test sets, keep rows and sample images, and return the means. A collective."""
    sets = open_sets(trial, "test", io.cache)
    rows = evaluate(net, trial, sets, io.world, io.device, SampleWriter(io.folder / SAMPLES, trial), io.alive)
    metrics = means(rows)
    write_images(rows, io)
    return metrics


def write_images(rows: Sequence[ImageScore], io: TrialIO) -> None:
    """Write ``images.parquet`` on rank 0, in the place of that of the evaluation before."""
    if io.world.rank == 0:
        content = _parquet(table_of(rows))
        persistently(io, lambda: write_atomically(io.folder / IMAGES_FILE, content))


def table_of(rows: Sequence[ImageScore]) -> pa.Table:
    """Return rows, of one trial, as a table; see `raysearch.train.files.images_schema`."""
    flat = [{**vars(row), **row.scores} for row in rows]
    return pa.Table.from_pylist(flat, schema=images_schema(list(rows[0].scores) if rows else []))


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def write_choices(state: TrainState, trial: TrialConfig, io: TrialIO) -> None:
    """Write what was trained on and what the sampler made of it; called on rank 0."""
    sample = sample_of(state.index, trial, glance(state, trial, io))
    persistently(io, lambda: state.usage.save(io.folder / USAGE_FILE))
    persistently(io, lambda: state.moments.save(io.folder / MOMENTS_FILE))
    persistently(io, lambda: save_arrays(sample, io.folder / PATCHES_FILE))


def facts(net: nn.Module, trial: TrialConfig, io: TrialIO) -> dict[str, bool | int | float | str | None]:
    """Return size and cost of the network, and what it ran on.

    Args:
        net: not wrapped.
    """
    cost, task = cost_facts(net, trial), trial.task
    timed = io.world.rank == 0 and not trial.model.trains_in_calls
    latency = latency_ms(net, task.channels_in, int(cost["macs_size"] or 0), task.gives_sigma, io.device) if timed else None
    return {
        **cost,
        "latency_ms": None if latency is None else round(latency, 3),
        "device": _device_name(io.device),
        "workers": io.world.size,
        "threads": io.threads,
        **_peak_memory(io.device),
    }


def _peak_memory(device: torch.device) -> dict[str, bool | int | float | str | None]:
    """Return the most memory since the trial began, or went on; see `raysearch.train.memory`."""
    most = peak_bytes(device)
    return {} if most is None else {"peak_memory_mib": round(most / 2**20, 1)}


def cost_facts(net: nn.Module, trial: TrialConfig) -> dict[str, bool | int | float | str | None]:
    """Return size and cost of the network, which are known without training it.

    Args:
        net: not wrapped.
    """
    task = trial.task
    size = tiling_of(trial, trial.model.geometry()).padded(MACS_SIZE)
    return {"parameters": parameters(net), "macs_g": macs(net, task.channels_in, size, task.gives_sigma) / 1e9, "macs_size": size}


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
