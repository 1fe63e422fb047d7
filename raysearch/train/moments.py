"""What is kept of a sampler for the report: what it made of a few photographs at some moments, and of a sample of all patches.

Training photographs are looked at after at most `MOMENTS` reports, evenly spread, the last among them: their patches, as they lie,
are degraded and restored, and the sampler says what it would keep of them (`raysearch.samplers.base.Sampler.look`). Nothing is
learned and no generator of the training is used, so a training is the same with and without. How many patches are looked at follows
from how many are trained on (`SHARE`), so that it costs about one percent of a trial; of a large photograph it is those around its
centre.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from raysearch.data.augment import to_float
from raysearch.data.index import PatchIndex
from raysearch.data.scores import Score, patch_scores
from raysearch.errors import StateDamaged
from raysearch.rng import torch_generator
from raysearch.samplers.base import Sampler
from raysearch.shapes import PixelWeights, Rows, Scores
from raysearch.spec.trial import TrialConfig
from raysearch.train.arrays import save_arrays
from raysearch.train.files import USAGE_CELL
from raysearch.train.samples import spread

MOMENTS = 5
"""Moments at which photographs are looked at."""

PHOTOGRAPHS = 3
"""Photographs that are looked at."""

SHARE = 0.025
"""Patches that are looked at over all moments, as a part of those that are trained on; as many are in the sample at the end. They
are restored without gradient, at about a third of the cost of training on them."""

MOST = 1024
"""More patches are never looked at in one moment."""

STATIC: tuple[Score, ...] = ("gradient", "std", "frequency")
"""Scores of the sample beside the loss."""

_UNSEEN = -1.0  # in the state, where equal tensors have to be equal

Look = Callable[[Rows], tuple[PixelWeights, Scores]]
"""What a `Glance` does."""


@dataclass(frozen=True)
class Glance:
    """Looks at training patches through the network and the sampler as they are, without changing them.

    Attributes:
        net: in any mode; put into evaluation mode for the duration.
        at_once: patches that are restored together.
    """

    net: nn.Module
    sampler: Sampler
    index: PatchIndex
    trial: TrialConfig
    device: torch.device
    at_once: int

    @torch.no_grad()
    def __call__(self, rows: Rows) -> tuple[PixelWeights, Scores]:
        """Return what the sampler makes of each patch, and its mean squared error, both on the CPU.

        The same rows are degraded alike at every moment.
        """
        generator = torch_generator(0, "moments", device=self.device)
        was_training = self.net.training
        self.net.eval()
        try:
            parts = [self._part(part, generator) for part in torch.split(rows, self.at_once)]
        finally:
            self.net.train(was_training)
        kept, errors = zip(*parts, strict=True)
        return torch.cat(kept), torch.cat(errors)

    def _part(self, rows: Rows, generator: torch.Generator) -> tuple[PixelWeights, Scores]:
        pair = self.trial.task.degrade(to_float(self.index.read(rows).to(self.device)), generator)
        restored: Tensor = self.net(pair.degraded, pair.sigma_255).float()
        margin = self.trial.model.geometry().margin
        height, width = pair.clean.shape[-2:]
        clean = pair.clean[..., margin : height - margin, margin : width - margin]
        return self.sampler.look(rows, restored, clean).cpu(), (restored - clean).square().flatten(1).mean(1).cpu()


class Moments:
    """What the sampler kept of a few photographs, moment by moment.

    Args:
        trial: says how long the training is and how often it reports.
        index: the training patches.
    """

    def __init__(self, trial: TrialConfig, index: PatchIndex) -> None:
        self._every, self._steps = trial.evaluate.every, trial.steps
        self._index = index
        self._margin = trial.model.geometry().margin
        self._rows = _patches_of_photographs(index, allowance(trial) // MOMENTS)
        self._records: dict[int, list[Tensor]] = {}

    def due(self, step: int) -> bool:
        """Whether photographs are to be looked at after a report's step."""
        reports = -(-self._steps // self._every)
        return -(-step // self._every) in {-(-k * reports // MOMENTS) for k in range(1, MOMENTS + 1)}

    def record(self, step: int, look: Look) -> None:
        """Look at the photographs."""
        self._records[step] = [self._map(number, rows, look(rows)[0]) for number, rows in self._rows.items()]

    def _map(self, number: int, rows: Rows, kept: PixelWeights) -> Tensor:
        """Lay what is kept of patches over their photograph and average it over cells."""
        height, width = self._index.sizes[number]
        total, count = torch.zeros(2, height, width).unbind()
        _, tops, lefts = self._index.locate(rows)
        for top, left, values in zip(tops + self._margin, lefts + self._margin, kept[:, 0], strict=True):
            place = slice(top, top + values.shape[0]), slice(left, left + values.shape[1])
            total[place] += values
            count[place] += 1
        seen = _by_cell((count > 0).float())
        return torch.where(seen > 0, _by_cell(total / count.clamp(min=1)) / seen, _UNSEEN)

    def arrays(self) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
        """Return what was recorded; see `raysearch.train.files.MOMENTS_FILE`."""
        steps = sorted(self._records)
        found: dict[str, NDArray[np.float32] | NDArray[np.int64]] = {"steps": np.array(steps, np.int64)}
        for i, number in enumerate(self._rows if steps else ()):
            maps = torch.stack([self._records[step][i] for step in steps])
            found[f"maps/{self._index.names[number]}"] = torch.where(maps == _UNSEEN, torch.nan, maps).numpy()
        return found

    def save(self, path: Path) -> None:
        """Write what was recorded."""
        save_arrays(self.arrays(), path)

    def state_dict(self) -> dict[str, object]:
        """Return what was recorded."""
        return {"records": {step: list(maps) for step, maps in self._records.items()}}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue from what was recorded; records of another selection of photographs (a batch that changed) are dropped."""
        records = state["records"]
        if not isinstance(records, dict):
            raise StateDamaged("the checkpoint's moments are no table")
        shapes = [(-(-h // USAGE_CELL), -(-w // USAGE_CELL)) for h, w in (self._index.sizes[number] for number in self._rows)]
        self._records = {step: maps for step, maps in records.items() if [tuple(one.shape) for one in maps] == shapes}


def allowance(trial: TrialConfig) -> int:
    """Return how many patches may be looked at."""
    return max(8, round(SHARE * trial.steps * trial.batch))


def sample_of(index: PatchIndex, trial: TrialConfig, glance: Glance) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
    """Score a sample of the training patches; see `raysearch.train.files.PATCHES_FILE`."""
    rows = torch.tensor(sorted(spread(index.count, min(MOST, allowance(trial)))), dtype=torch.int64)
    kept, errors = glance(rows)
    pixels = index.read(rows)[:, : index.store.clean_channels].numpy()
    start = np.zeros(1, np.int64)
    found: dict[str, NDArray[np.float32] | NDArray[np.int64]] = {"rows": rows.numpy()}
    for name in STATIC:
        found[name] = np.array([patch_scores(patch, start, start, index.size, name)[0, 0] for patch in pixels], np.float32)
    found["kept"] = kept.flatten(1).mean(1).numpy()
    if trial.data.related:
        found["loss"] = errors.numpy()
    return found


def _patches_of_photographs(index: PatchIndex, most: int) -> dict[int, Rows]:
    """Choose photographs, the middle one by name first, and of each as many patches as may be, those nearest to its centre."""
    image, top, left = index.locate(torch.arange(index.count))
    inside = max(1, index.count // len(index.names))
    number = min(PHOTOGRAPHS, len(index.names), max(1, min(most, MOST) // inside))
    last = len(index.names) - 1
    chosen = sorted(spread(last + 1, PHOTOGRAPHS), key=lambda photograph: (abs(2 * photograph - last), photograph))
    found = {}
    for photograph in chosen[:number]:
        rows = np.flatnonzero(image == photograph)
        _, first = np.unique(np.stack([top[rows], left[rows]]), axis=1, return_index=True)  # of one that counts several times
        rows = rows[np.sort(first)]
        middle = [(side - index.size) / 2 for side in index.sizes[photograph]]
        distance = np.maximum(np.abs(top[rows] - middle[0]), np.abs(left[rows] - middle[1]))
        nearest = rows[np.argsort(distance, kind="stable")[: max(1, min(most, MOST) // number)]]
        found[photograph] = torch.from_numpy(np.sort(nearest).astype(np.int64))
    return {photograph: found[photograph] for photograph in sorted(found)}


def _by_cell(pixels: Tensor) -> Tensor:
    """Average over cells; border cells average the pixels that they have."""
    return torch.nn.functional.avg_pool2d(pixels[None], USAGE_CELL, ceil_mode=True, count_include_pad=False)[0]
