"""The score ``loss``: the error of a trained network on every training patch, and all score columns of a sampler in one place.

A patch is degraded by the task of the checkpoint, at each of its evaluation levels, and restored; its score is the mean squared
error over all pixels and channels that the network restores, on the [0, 1] scale, not clipped, averaged over the levels. Patches
go in batches of fixed size in the order of the index with a fixed seed, so a score does not depend on who asks. The column is kept
in the cache, named by the patches and the checkpoint; on another kind of device it may differ in the last digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from raysearch.data.augment import to_float
from raysearch.data.index import PatchIndex
from raysearch.data.scores import SCORES
from raysearch.data.scores import Score as Static
from raysearch.data.sealed import Facts, cached, digest_of, sha256_of_file
from raysearch.data.store import Progress
from raysearch.errors import PreflightError, SpecError
from raysearch.rng import torch_generator
from raysearch.samplers.base import SamplerConfig
from raysearch.shapes import Rows
from raysearch.spec.trial import TrialConfig
from raysearch.tasks.base import TaskConfig
from raysearch.train.network import checkpoint_of, load_network

_VERSION = 1  # of the score's definition
_BATCH = 64


def static_scores(sampler: SamplerConfig) -> frozenset[Static]:
    """Return the scores of a sampler that the patch index computes by itself."""
    return frozenset(name for name in SCORES if name in sampler.scores)


def score_columns(
    sampler: SamplerConfig, index: PatchIndex, cache: Path, device: torch.device, progress: Progress | None = None
) -> Mapping[str, NDArray[np.float32]]:
    """Return every score column that a sampler reads, each (index.count,), float32.

    Args:
        progress: see `patch_losses`.

    Raises:
        PreflightError, SpecError, StateDamaged: see `patch_losses`.
    """
    columns: dict[str, NDArray[np.float32]] = {name: index.scores(name) for name in static_scores(sampler)}
    if sampler.scored_by is not None:
        columns["loss"] = patch_losses(index, sampler.scored_by, cache, device, progress)
    return columns


def patch_losses(
    index: PatchIndex, checkpoint: Path, cache: Path, device: torch.device, progress: Progress | None = None
) -> NDArray[np.float32]:
    """Return the error of a trained network on every patch, from the cache where it was computed before.

    Args:
        index: the patches.
        checkpoint: the trained network, see `raysearch.train.network.load_network`.
        cache: folder of cached files, shared by all runs.
        device: where the network computes.
        progress: called as (done, total) patches while the column is computed.

    Returns:
        (index.count,), float32.

    Raises:
        PreflightError, SpecError, StateDamaged: see `load_scorer`.
    """
    file = _existing(checkpoint)
    name = digest_of([_VERSION, _BATCH, index.digest, sha256_of_file(file)])[:24]
    path = cache / "losses" / f"{name}.npy"

    def build(draft: Path) -> Facts:
        trial, net = load_scorer(file, index.store.channels, index.size)
        with draft.open("wb") as target:
            np.save(target, _losses(index, trial, net.to(device), device, progress), allow_pickle=False)
        return {"patches": index.count}

    cached(path, build)
    column: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return column


def load_scorer(checkpoint: Path, channels: int, size: int) -> tuple[TrialConfig, nn.Module]:
    """Load a network that scores patches of ``size`` pixels and ``channels`` channels.

    Raises:
        PreflightError: there is no such checkpoint.
        SpecError: its task can't degrade such patches.
        StateDamaged: it is damaged.
    """
    trial, net = load_network(_existing(checkpoint))
    task = trial.task
    if task.channels_stored != channels:
        raise SpecError(
            f"the checkpoint's task works on images of {task.channels_stored} channels, and the patches have {channels}",
            place="sampler.checkpoint",
            remedy="use a checkpoint of the same colour as the task",
        )
    if size % task.multiple_of:
        raise SpecError(
            f"the checkpoint's task needs sides that are multiples of {task.multiple_of}, and patches have {size} pixels",
            place="sampler.checkpoint",
            remedy=f"set patch.size to a multiple of {task.multiple_of}",
        )
    return trial, net


def _existing(checkpoint: Path) -> Path:
    try:
        return checkpoint_of(checkpoint)
    except PreflightError as error:
        raise PreflightError(error.cause, place="sampler.checkpoint", remedy=error.remedy) from error


@torch.no_grad()
def _losses(
    index: PatchIndex, trial: TrialConfig, net: nn.Module, device: torch.device, progress: Progress | None
) -> NDArray[np.float32]:
    levels = trial.task.levels()
    margin = trial.model.geometry().margin
    generators = {label: torch_generator(0, "patch_loss", label, device=device) for label in levels}
    distinct, place = _distinct(index)
    parts: list[Tensor] = []
    for start in range(0, len(distinct), _BATCH):
        clean = to_float(index.read(distinct[start : start + _BATCH]).to(device))
        total = torch.zeros(len(clean), device=device)
        for label, task in levels.items():
            total += _errors(net, task, clean, margin, generators[label])
        parts.append((total / len(levels)).cpu())
        if progress is not None:
            progress(min(start + _BATCH, len(distinct)), len(distinct))
    return torch.cat(parts)[place].numpy()


def _distinct(index: PatchIndex) -> tuple[Rows, Rows]:
    """Return a row of each different patch, in the order of the index, and for every row the place of its patch in that list."""
    located = np.stack(index.locate(torch.arange(index.count)), 1)
    _, rows, place = np.unique(located, axis=0, return_index=True, return_inverse=True)
    return torch.from_numpy(rows), torch.from_numpy(place.reshape(-1))


def _errors(net: nn.Module, task: TaskConfig, clean: Tensor, margin: int, generator: torch.Generator) -> Tensor:
    pair = task.degrade(clean, generator)
    restored: Tensor = net(pair.degraded, pair.sigma_255)
    height, width = pair.clean.shape[-2:]
    target = pair.clean[..., margin : height - margin, margin : width - margin]
    return (restored.float() - target).square().flatten(1).mean(1)
