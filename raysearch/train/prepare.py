"""Decode a study's photographs once, before its first trial: with progress, with every unreadable file named, and with hashes.

Trials find the stores in the cache. Without this they would decode for themselves, which is right but silent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch.nn.functional import interpolate

from raysearch.data.augment import to_float
from raysearch.data.base import Split
from raysearch.data.index import PatchIndex
from raysearch.data.store import PixelStore
from raysearch.spec.trial import TrialConfig
from raysearch.train import png
from raysearch.train.atomic import write_atomically
from raysearch.train.files import folder_name
from raysearch.train.moments import PHOTOGRAPHS
from raysearch.train.patch_loss import static_scores
from raysearch.train.samples import spread

THUMBNAIL_SIDE = 320
"""Longer side of a thumbnail, in pixels."""

MOST_THUMBNAILS = 200
"""Of a larger training set only the photographs that `raysearch.train.moments` looks at have one."""


@dataclass(frozen=True)
class PreparedSet:
    """A set of photographs as it was found.

    Attributes:
        split: train, validation or test.
        dataset: its name in tables.
        photographs: how many.
        megapixels: of all of them together.
        digest: SHA-256 over the files and how they were decoded.
        patches: training patches that the trial's cut gives; None for other splits.
    """

    split: Split
    dataset: str
    photographs: int
    megapixels: float
    digest: str
    patches: int | None


def prepare(
    trial: TrialConfig,
    cache: Path,
    splits: tuple[Split, ...],
    progress: Callable[[str, int, int], None],
) -> tuple[PreparedSet, ...]:
    """Decode the photographs of these splits and cut the training patches.

    Args:
        trial: says which corpus, how many channels, and how patches are cut.
        cache: folder of decoded photographs.
        splits: which splits the study will read.
        progress: called as (what, done, total).

    Raises:
        DataError: photographs are missing or can't be read (all unreadable ones of a set are named), or are not what they should be
            (`raysearch.data.base.CorpusConfig.verify`).
    """
    trial.data.verify(cache, progress)
    found: list[PreparedSet] = []
    for split in splits:
        for gathered in trial.data.gather(split):
            what = f"decoding {split} photographs ({gathered.dataset})"
            store = PixelStore.open(gathered.photographs, cache, trial.task.channels_stored, partial(progress, what))
            patches = _patches(trial, cache, progress) if split == "train" else None
            pixels = sum(height * width for height, width in store.sizes)
            found.append(PreparedSet(split, gathered.dataset, len(store.names), round(pixels / 1e6, 3), store.digest, patches))
    return tuple(found)


def _patches(trial: TrialConfig, cache: Path, progress: Callable[[str, int, int], None]) -> int:
    (gathered,) = trial.data.gather("train")
    index = PatchIndex.open(
        gathered,
        cache,
        channels=trial.task.channels_stored,
        size=trial.patch.size,
        stride=trial.patch.step,
        multiple_of=trial.task.multiple_of,
        scores=static_scores(trial.sampler),
        progress=partial(progress, "cutting training patches"),
    )
    return index.count


def write_thumbnails(trial: TrialConfig, cache: Path, folder: Path) -> None:
    """Write small PNGs of the training photographs, over which the report draws what each strategy prefers.

    Args:
        trial: says which corpus and how many channels.
        cache: where `prepare` decoded them.
        folder: made if it is missing; ``raysearch.train.files.folder_name`` of a photograph names its file.
    """
    (gathered,) = trial.data.gather("train")
    store = PixelStore.open(gathered.photographs, cache, trial.task.channels_stored)
    count = len(store.names)
    folder.mkdir(parents=True, exist_ok=True)
    for i in sorted(spread(count, count if count <= MOST_THUMBNAILS else PHOTOGRAPHS)):
        name = store.names[i]
        image = to_float(store.image(i)[:, : store.clean_channels])
        factor = min(1.0, THUMBNAIL_SIDE / max(image.shape[-2:]))
        size = [max(1, round(side * factor)) for side in image.shape[-2:]]
        small = interpolate(image, size=size, mode="bilinear", antialias=True)
        write_atomically(folder / f"{folder_name(name)}.png", png.encode(small[0], 8))
