"""Use what a trial has trained: score its network on photographs, or apply it to a folder of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface
from typing import runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from raysearch.bicubic import resize
from raysearch.data.augment import to_float
from raysearch.data.base import CorpusConfig, Gathered, Photograph, Split
from raysearch.data.decode import Pixels, arrange, decode
from raysearch.data.listing import find_images, gathered
from raysearch.data.pair_set import PairSet
from raysearch.errors import DataError, SpecError
from raysearch.metrics.base import ALWAYS, metric
from raysearch.metrics.protocol import Protocol
from raysearch.rng import torch_generator
from raysearch.shapes import Image, Restored, Sigma
from raysearch.spec.trial import TrialConfig
from raysearch.tasks._bayer import Phase, mosaic
from raysearch.tasks._luma import to_rgb, to_ycbcr
from raysearch.tasks.base import Pair, TaskConfig
from raysearch.tasks.real import Config as Real
from raysearch.train import png, tiles
from raysearch.train.atomic import write_atomically
from raysearch.train.evaluate import ImageScore, cropped, evaluate, open_set, tiling_of
from raysearch.train.network import load_network
from raysearch.train.world import SingleWorld


@runtime_checkable
class _Mosaicked(Interface):
    """A task whose degraded image is a Bayer mosaic."""

    phase: Phase


@dataclass(frozen=True)
class RestoredFile:
    """What became of one image of a folder.

    Attributes:
        source: the image.
        target: the PNG that was written; None when the image could not be used.
        reason: why not; empty when it was.
    """

    source: Path
    target: Path | None
    reason: str


def evaluate_checkpoint(
    path: Path,
    source: CorpusConfig | Path | None,
    split: Split,
    cache: Path,
    *,
    device: torch.device,
    protocol: Protocol | None = None,
    metrics: Sequence[str] = (),
    degraded: Path | None = None,
    sigma_255: float | None = None,
) -> tuple[ImageScore, ...]:
    """Score a checkpoint on photographs, degraded by its own task at the task's evaluation levels, or on real pairs.

    Args:
        path: a checkpoint or a trial's folder.
        source: a corpus; a folder of clean images; None for the trial's own corpus.
        split: which split of a corpus; the label of the rows for a folder.
        cache: folder of decoded photographs.
        protocol: how metrics are computed; None for the trial's own.
        metrics: what is measured beside PSNR and SSIM; the trial's own when it is empty.
        degraded: with a folder of clean images: the folder of their real degraded counterparts, of the same names. Then nothing is
            degraded here, whatever the trial's task.
        sigma_255: with ``degraded``: noise level of the images on the 0..255 scale, for networks that are told.

    Returns:
        The rows of ``images.parquet``; a PSNR may be infinite. See `raysearch.train.evaluate.means`.

    Raises:
        DataError: an image can't be used. SpecError: options exclude each other. And see `load_network`.
    """
    trial, net = load_network(path)
    trial = _measuring(trial, protocol, metrics)
    if sigma_255 is not None and degraded is None:
        raise SpecError("a noise level is given for images that are degraded here", remedy="leave it out, or give real pairs")
    if degraded is not None:
        sets, trial = _real_pairs(source, degraded), trial.model_copy(update={"task": _real(trial.task)})
        net = net if sigma_255 is None else _Told(net, sigma_255)
    else:
        sets = _sets_of(source, split, trial)
    opened = [open_set(split, one.dataset, one.photographs, cache, trial.task.channels_stored) for one in sets]
    return evaluate(net.to(device), trial, opened, SingleWorld(), device, None)


def _measuring(trial: TrialConfig, protocol: Protocol | None, metrics: Sequence[str]) -> TrialConfig:
    changes: dict[str, object] = {}
    if protocol is not None:
        protocol.require_channels(trial.task.channels, luma=trial.task.luma_only)
        changes["protocol"] = protocol
    if metrics:
        others = dict.fromkeys(name for name in metrics if metric(name) and name not in ALWAYS)
        changes["metrics"] = (*ALWAYS, *others)
    return trial.model_copy(update={"evaluate": trial.evaluate.model_copy(update=changes)})


def _sets_of(source: CorpusConfig | Path | None, split: Split, trial: TrialConfig) -> Sequence[Gathered]:
    if isinstance(source, Path):
        return (gathered(source.resolve().name, find_images([source]), "refuse"),)
    return (trial.data if source is None else source).gather(split)


def _real_pairs(source: CorpusConfig | Path | None, degraded: Path) -> Sequence[Gathered]:
    if not isinstance(source, Path):
        raise SpecError("degraded images are given without their clean counterparts", remedy="name the folder of clean images too")
    if degraded.resolve() == source.resolve():
        raise SpecError(f"degraded and clean images are the same folder, {source}", remedy="name two folders")
    pairs = PairSet(degraded=degraded, clean=source)
    return (gathered(pairs.name, pairs.photographs(), "refuse"),)


class _Told(nn.Module):
    """A network that is told one noise level, whatever it is called with."""

    def __init__(self, net: nn.Module, sigma_255: float) -> None:
        super().__init__()
        self._net, self._sigma_255 = net, sigma_255

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        restored: Restored = self._net(degraded, degraded.new_full((len(degraded), 1, 1, 1), self._sigma_255))
        return restored


def _real(task: TaskConfig) -> TaskConfig:
    """Return the task of restoring real images with a network that was trained for ``task``."""
    if task.scale != 1 or task.channels_in != task.channels or task.luma_only or isinstance(task, _Mosaicked):
        raise SpecError(
            "the network was not trained on degraded images of the same size and colours as the clean ones",
            remedy="leave out the folder of degraded images",
        )
    return Real(color="rgb" if task.channels == 3 else "gray")


def restore_folder(
    path: Path,
    source: Path,
    target: Path,
    *,
    degrade: bool,
    device: torch.device,
    level: str | None = None,
    sigma_255: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[RestoredFile, ...]:
    """Apply a checkpoint to every image of a folder, by tiles, and write PNGs of the same names.

    A result has the size of its image, times the task's scale (what a valid network loses at the border is made up for by
    reflection), and 16 bits a sample where the image has them, else 8. A network that restores luma (BT.601 in studio range) gets
    the luma of a colour image; the chroma is kept, or enlarged bicubically with the luma. A network on grey images makes colour
    images grey. An image that can't be used is left out, with its reason.

    Args:
        path: a checkpoint or a trial's folder.
        source: a folder of images, nested ones too.
        target: a folder outside ``source``; made if it is missing.
        degrade: True: the images are clean photographs; each is first degraded by the trial's task (mosaicked, made noisy, made
            smaller; the chroma beside a luma is made smaller too, and otherwise kept).
            False: they are degraded already. For a demosaicing task they must then be raw mosaics of one channel, in the task's
            phase; a colour image is refused, since nothing tells whether it is a photograph or a mosaic.
        level: with ``degrade``: which of the task's evaluation levels (``sigma 15``); needed where there are several.
        sigma_255: without ``degrade``: noise level of the images on the 0..255 scale, for networks that are told.
        progress: called as (done, total) after every image.

    Raises:
        DataError: the folder has no image, or the target lies inside it.
        SpecError: the level is none of the task's, or options exclude each other. And see `load_network`.
    """
    trial, net = load_network(path)
    if degrade and trial.task.paired:
        raise SpecError("the trial's task degrades nothing: it was trained on real images", remedy="leave out `degrade`")
    task = _task_at(trial.task, level) if degrade else trial.task
    if degrade and sigma_255 is not None:
        raise SpecError("a noise level is given for images that are degraded here", remedy="use `level`, or leave out `degrade`")
    if target.resolve().is_relative_to(source.resolve()):
        raise DataError(f"the target {target} lies inside the source {source}", remedy="choose a folder beside it")
    photographs = find_images([source])
    if not photographs:
        raise DataError(f"there is no image in {source}", remedy="PNG, JPEG, WebP, TIFF and BMP are read")
    worker = _Restorer(trial, net.to(device), device, task, degrade, sigma_255)
    done: list[RestoredFile] = []
    for photograph in photographs:
        done.append(worker.restore(photograph, target / f"{photograph.name}.png"))
        if progress is not None:
            progress(len(done), len(photographs))
    return tuple(done)


def _task_at(task: TaskConfig, level: str | None) -> TaskConfig:
    levels = task.levels()
    if level is None and len(levels) == 1:
        return next(iter(levels.values()))
    if level is None or level not in levels:
        said = "no level is given" if level is None else f"there is no level {level!r}"
        raise SpecError(f"{said}, and the task has {len(levels)}", remedy=f"choose one of: {', '.join(levels)}")
    return levels[level]


@dataclass(frozen=True)
class _Restorer:
    trial: TrialConfig
    net: nn.Module
    device: torch.device
    task: TaskConfig
    degrade: bool
    sigma_255: float | None

    def restore(self, photograph: Photograph, target: Path) -> RestoredFile:
        try:
            pixels = decode(photograph.path)
            bits = 16 if pixels.dtype == np.uint16 else 8
            restored = self._restored(photograph.name, pixels, bits)
        except DataError as error:
            return RestoredFile(photograph.path, None, error.cause)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, png.encode(restored[0], bits))
        return RestoredFile(photograph.path, target, "")

    def _restored(self, name: str, pixels: Pixels, bits: int) -> Image:
        pair = self._pair(name, pixels, bits)
        restored = self._apply(pair).cpu()
        if not self.task.luma_only:
            return restored
        image = to_rgb(torch.cat([restored, self._chroma(pixels, bits, pair.degraded)], dim=1))
        return image if pixels.shape[2] == 3 else image[:, :1]

    def _chroma(self, pixels: Pixels, bits: int, degraded: Image) -> Image:
        """Return the chroma that goes with a restored luma, enlarged bicubically where the luma was."""
        height, width = degraded.shape[-2:]
        chroma = to_ycbcr(_as_image(pixels, 3, bits))[:, 1:]
        small = resize(cropped(chroma, self.task.scale), height, width) if self.degrade else chroma
        return resize(small, height * self.task.scale, width * self.task.scale)

    def _pair(self, name: str, pixels: Pixels, bits: int) -> Pair:
        """Return the degraded image; without `degrade`, ``clean`` is empty."""
        if self.degrade:
            clean = cropped(_as_image(pixels, self.task.channels_stored, bits), self.task.scale)
            return self.task.degrade(clean, torch_generator(0, "restore", name))
        sigma = None if self.sigma_255 is None else torch.full((1, 1, 1, 1), float(self.sigma_255))
        return Pair(self._degraded(pixels, bits), torch.empty(1, self.task.channels, 0, 0), sigma)

    def _degraded(self, pixels: Pixels, bits: int) -> Image:
        if self.task.luma_only:
            return to_ycbcr(_as_image(pixels, 3, bits))[:, :1]
        if not isinstance(self.task, _Mosaicked):
            return _as_image(pixels, self.task.channels_in, bits)
        if pixels.shape[2] != 1:
            raise DataError(
                "it has colours, and a raw mosaic has one channel",
                remedy="use `degrade` to mosaic photographs, or give raw mosaics as grey images",
            )
        return mosaic(_as_image(pixels, 3, bits), self.task.phase)

    def _apply(self, pair: Pair) -> Image:
        """Restore to the full size: continue the image by reflection as far as the network's margin, and cut the surplus."""
        geometry, scale = self.trial.model.geometry(), self.task.scale
        tiling = tiling_of(self.trial, geometry)
        height, width = pair.degraded.shape[-2:]
        extra = -(-geometry.margin // (scale * tiling.grain)) * tiling.grain  # input pixels, in phase
        border = (extra, extra)
        sigma = None if pair.sigma_255 is None else _continued(pair.sigma_255, border).to(self.device)
        degraded = tiles.reflect(pair.degraded, border, border).to(self.device)
        with torch.no_grad():
            restored = tiles.restore(self.net, degraded, sigma, tiling)
        surplus = extra * scale - geometry.margin
        return restored[..., surplus : surplus + height * scale, surplus : surplus + width * scale]


def _continued(sigma_255: Tensor, border: tuple[int, int]) -> Tensor:
    return sigma_255 if sigma_255.shape[-2:] == (1, 1) else tiles.reflect(sigma_255, border, border)


def _as_image(pixels: Pixels, channels: int, bits: int) -> Image:
    """Turn decoded pixels (h, w, 1 or 3) into an image (1, channels, h, w), float32 in [0, 1]."""
    return to_float(torch.from_numpy(arrange(pixels, channels, bits))[None])
