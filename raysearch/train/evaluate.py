"""Evaluation: every photograph of a split, at every level of the task, restored by tiles and scored under the trial's protocol.

Decisions. An image is cropped at the bottom and right to what the *task* needs (an even size for a Bayer mosaic), so all models
see the same pixels; what the *network* needs beyond that is added by reflection and cut off again (`raysearch.train.tiles`). A
valid network is scored on the central part that it returns. The noise is drawn on the CPU from a generator that is a function of
set, image and level only, so every trial, seed and device sees the same degraded images. Arithmetic is float32. Ranks share the
work by image and level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface

import torch
from torch import nn

from raysearch.data.augment import to_float
from raysearch.data.base import Photograph, Split
from raysearch.data.store import PixelStore
from raysearch.errors import Diverged, SpecError
from raysearch.metrics.base import metric
from raysearch.models.base import Geometry
from raysearch.rng import torch_generator
from raysearch.shapes import Image
from raysearch.spec.trial import TrialConfig
from raysearch.tasks.base import Pair, TaskConfig
from raysearch.train import tiles
from raysearch.train.world import World


@dataclass(frozen=True)
class ImageSet:
    """An opened set of photographs."""

    split: Split
    dataset: str
    store: PixelStore
    names: tuple[str, ...]


@dataclass(frozen=True)
class ImageScore:
    """One row of ``images.parquet``: see `raysearch.train.files.IMAGES`.

    Attributes:
        scores: ``psnr``, ``ssim`` and the other metrics of the trial, in its order.
    """

    split: Split
    dataset: str
    image: str
    level: str
    protocol: str
    scores: dict[str, float]

    @property
    def psnr(self) -> float:
        """The PSNR in dB; inf for a perfect copy."""
        return self.scores["psnr"]

    @property
    def ssim(self) -> float:
        """The SSIM."""
        return self.scores["ssim"]


@dataclass(frozen=True)
class Unit:
    """What is evaluated at once: one photograph at one level."""

    images: ImageSet
    number: int
    level: str
    task: TaskConfig

    @property
    def name(self) -> str:
        """Set, image and level, for messages."""
        return f"{self.images.dataset}/{self.images.names[self.number]} at {self.level}"


class Witness(Interface):
    """Sees restored images as they are evaluated, on the rank that evaluates them."""

    def wants(self, unit: Unit) -> bool:
        """Whether `see` shall be called for this unit, and on rank 0."""

    def see(self, unit: Unit, pair: Pair, restored: Image) -> None:
        """Take the restored image, not clipped, and the pair cropped like it where it was."""


def open_sets(trial: TrialConfig, split: Split, cache: Path) -> tuple[ImageSet, ...]:
    """Open the photographs of a split for evaluation; validation is limited to ``evaluate.images``."""
    limit = trial.evaluate.images if split == "validation" else None
    return tuple(
        open_set(split, gathered.dataset, gathered.photographs[:limit], cache, trial.task.channels_stored)
        for gathered in trial.data.gather(split)
    )


def open_set(split: Split, dataset: str, photographs: Sequence[Photograph], cache: Path, channels: int) -> ImageSet:
    """Open these photographs for evaluation, decoding those that the cache does not have."""
    store = PixelStore.open(photographs, cache, channels, None)
    return ImageSet(split, dataset, store, tuple(store.names))


def evaluate(
    net: nn.Module,
    trial: TrialConfig,
    sets: Sequence[ImageSet],
    world: World,
    device: torch.device,
    witness: Witness | None,
    alive: Callable[[], None] | None = None,
) -> tuple[ImageScore, ...]:
    """Score a network on sets of photographs. A collective: every rank calls it and gets all rows.

    Args:
        net: on ``device``; put into evaluation mode for the duration.
        witness: sees restored images; None if nobody wants to.
        alive: called after each image.
    """
    units = list(_units(sets, trial.task))
    geometry = trial.model.geometry()
    names, label = trial.evaluate.metrics, trial.protocol.label
    scores = torch.zeros(len(units), len(names), dtype=torch.float64)
    was_training = net.training
    net.eval()
    try:
        for position, unit in enumerate(units):
            wanted = witness is not None and witness.wants(unit)
            if world.rank == (0 if wanted else position % world.size):
                scores[position] = _score(net, unit, trial, geometry, device, witness if wanted else None)
            if alive is not None:
                alive()
    finally:
        net.train(was_training)
    rows = (dict(zip(names, row, strict=True)) for row in world.total(scores).tolist())
    return tuple(
        ImageScore(unit.images.split, unit.images.dataset, unit.images.names[unit.number], unit.level, label, row)
        for unit, row in zip(units, rows, strict=True)
    )


def _units(sets: Sequence[ImageSet], task: TaskConfig) -> Iterator[Unit]:
    levels = task.levels()
    for images in sets:
        for number in range(len(images.names)):
            for label, fixed in levels.items():
                yield Unit(images, number, label, fixed)


def _score(
    net: nn.Module, unit: Unit, trial: TrialConfig, geometry: Geometry, device: torch.device, witness: Witness | None
) -> torch.Tensor:
    """Return the unit's metrics, in the trial's order, float64 on the CPU; NaN if a restored pixel is not finite."""
    pair = degraded_pair(unit)
    moved = Pair(pair.degraded.to(device), pair.clean.to(device), None if pair.sigma_255 is None else pair.sigma_255.to(device))
    restored = restore_pair(net, moved, trial, geometry)
    clean = central(moved.clean, geometry.margin)
    if witness is not None:
        witness.see(unit, moved, restored)
    names, protocol = trial.evaluate.metrics, trial.protocol
    if not bool(torch.isfinite(restored).all()):
        return torch.full((len(names),), math.nan, dtype=torch.float64)
    try:
        return torch.cat([metric(name).measure(restored, clean, protocol) for name in names]).cpu()
    except SpecError as error:
        raise SpecError(f"{unit.name}: {error.cause}", place=error.place, remedy=error.remedy) from error


def degraded_pair(unit: Unit) -> Pair:
    """Degrade a photograph on the CPU, the same way whatever is evaluated on it."""
    clean = cropped(to_float(unit.images.store.image(unit.number)), unit.task.multiple_of)
    generator = torch_generator(0, "evaluation", unit.images.dataset, unit.images.names[unit.number], unit.level)
    return unit.task.degrade(clean, generator)


def restore_pair(net: nn.Module, pair: Pair, trial: TrialConfig, geometry: Geometry) -> Image:
    """Restore by tiles, without gradient."""
    with torch.no_grad():
        return tiles.restore(net, pair.degraded, pair.sigma_255, tiling_of(trial, geometry))


def tiling_of(trial: TrialConfig, geometry: Geometry) -> tiles.Tiling:
    """Return how the trial's images are cut for its network."""
    phase = max(1, trial.task.multiple_of // trial.task.scale)
    return tiles.Tiling(geometry, trial.task.scale, trial.evaluate.tile, phase)


def cropped(image: Image, multiple_of: int) -> Image:
    """Cut rows at the bottom and columns at the right so that both sides are divisible."""
    height, width = image.shape[-2:]
    return image[..., : height // multiple_of * multiple_of, : width // multiple_of * multiple_of]


def central(image: Image, margin: int) -> Image:
    """Cut ``margin`` pixels from every side."""
    height, width = image.shape[-2:]
    return image[..., margin : height - margin, margin : width - margin]


def means(rows: Sequence[ImageScore]) -> dict[str, float]:
    """Average every metric over images and levels, every row with the same weight.

    Raises:
        Diverged: a value is not finite. An infinite PSNR (a perfect copy) can't be averaged and shows a degenerate trial.
        SpecError: a metric has no value on a restored image that is finite (FSIM has none where there is nothing to see).
    """
    for row in rows:
        name = f"{row.dataset}/{row.image} at {row.level}"
        if row.psnr == math.inf:
            raise Diverged(
                f"{name} was restored without any error, so its PSNR is infinite and can't be averaged",
                remedy="the task degrades nothing there, or the network is given the clean image: correct the task",
            )
        bad = {key: value for key, value in row.scores.items() if not math.isfinite(value)}
        if bad and math.isfinite(row.psnr):
            raise SpecError(
                f"{', '.join(bad)} has no value on {name}",
                place="evaluate.metrics",
                remedy="leave the metric out, or the image",
            )
        if bad:
            shown = ", ".join(f"{key} {value}" for key, value in bad.items())
            raise Diverged(f"the restored image {name} is not finite ({shown})", remedy="lower the lr")
    return {key: math.fsum(row.scores[key] for row in rows) / len(rows) for key in rows[0].scores}
