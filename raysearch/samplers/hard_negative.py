"""Hard negative mining by PSNR: train on the cells that the network restores badly.

From the PatchNet paper's comparison (Section 3.1, Table 2): a network that was trained on everything is trained on with only those
patches whose PSNR is below a threshold, fixed (35 to 45 dB, best 40) or falling linearly from 45 to 35 dB.

Decided where the paper is silent: the PSNR is that of the current network, in cells of 64×64 pixels, of the image clipped to
[0, 1], jointly over channels; the loss is the mean over the pixels of the kept cells of the whole batch; a step in which no cell
is kept is skipped. A schedule runs from the end of the warm-up to the last step of the trial. Note for comparisons: the paper's
runs see 150 epochs, warm-up included, and its PatchNet runs 50.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from raysearch.component import Config as BaseConfig
from raysearch.errors import StateDamaged
from raysearch.samplers._cells import CellGrid, CellMap, plain_grid
from raysearch.samplers._epochs import Epochs
from raysearch.samplers.base import Sampler, SamplerConfig, SamplerContext, Score, Signal, Signals
from raysearch.shapes import Image, PixelWeights, Rows


class Linear(BaseConfig):
    """A threshold that moves linearly."""

    start: float = Field(ge=0, le=100)
    """Threshold at the end of the warm-up, in dB."""

    end: float = Field(ge=0, le=100)
    """Threshold in the last step of the trial, in dB."""


class Config(SamplerConfig):
    """All patches in random order; of their cells only those with a PSNR below the threshold have a weight."""

    kind: Literal["hard_negative"] = "hard_negative"

    threshold_db: Annotated[float, Field(ge=0, le=100)] | Linear = 40.0
    """Cells with a PSNR below this are kept: a number in dB, or ``{start, end}``."""

    warmup_steps: int = Field(0, ge=0)
    """Steps at the beginning in which all cells are kept."""

    cell: int = Field(64, ge=4, le=1024)
    """Side of a cell, in pixels. The last cells of a patch that it does not divide are smaller."""

    @property
    def needs(self) -> frozenset[Signal]:
        """Both images, for the PSNR."""
        return frozenset({"restored", "clean"})

    @property
    def scores(self) -> frozenset[Score]:
        """Nothing."""
        return frozenset()

    @property
    def smallest_patch(self) -> int:
        """One cell: the choice is among the cells of the whole batch."""
        return self.cell

    @property
    def follows_progress(self) -> bool:
        """Where the threshold moves."""
        return isinstance(self.threshold_db, Linear)

    def threshold(self, step: int, steps: int) -> float:
        """Return the threshold in dB of step number ``step`` (from 0) of ``steps``."""
        if not isinstance(self.threshold_db, Linear):
            return self.threshold_db
        last = steps - 1 - self.warmup_steps
        progress = min(1.0, max(0, step - self.warmup_steps) / last) if last > 0 else 1.0
        return self.threshold_db.start + (self.threshold_db.end - self.threshold_db.start) * progress

    def build(self, context: SamplerContext) -> Sampler:
        """Build the sampler in its initial state."""
        return HardNegative(self, context)


class HardNegative(Sampler):
    """See `Config`."""

    def __init__(self, config: Config, context: SamplerContext) -> None:
        self._config = config
        self._steps = context.steps
        self._epochs = Epochs(torch.arange(context.count), context.seed)
        self._step = 0
        self._kept_fraction = torch.ones((), device=context.device)

    def suggest(self, count: int) -> Rows:
        """Return the next rows of the epoch."""
        return self._epochs.take(count)

    def update(self, rows: Rows, signals: Signals) -> PixelWeights | None:
        """Weigh the kept pixels of the batch alike; None during the warm-up."""
        step, self._step = self._step, self._step + 1
        if step < self._config.warmup_steps:
            return None
        grid, hard = self._hard(step, signals.restored, signals.clean)
        self._kept_fraction = hard.mean()
        kept = grid.spread(hard)
        return kept * (len(rows) / kept.sum().clamp(min=1))

    def _hard(self, step: int, restored: Image, clean: Image) -> tuple[CellGrid, CellMap]:
        """Return the cells, and 1 for those below the threshold of a step, 0 for the others."""
        grid = plain_grid(self._config.cell, *restored.shape[2:])
        error = (restored.float().clamp(0, 1) - clean.float()).square().mean(1, keepdim=True)
        return grid, is_below(grid.means(error), self._config.threshold(step, self._steps)).float()

    def look(self, rows: Rows, restored: Image, clean: Image) -> PixelWeights:
        """Say which cells lie below the threshold of the last step; all are kept in the warm-up."""
        step = max(0, self._step - 1)
        if step < self._config.warmup_steps:
            return torch.ones_like(restored[:, :1])
        grid, hard = self._hard(step, restored, clean)
        return grid.spread(hard)

    def statistics(self) -> dict[str, float]:
        """Return the threshold in dB and the share of cells kept in the last step."""
        threshold = self._config.threshold(max(0, self._step - 1), self._steps)
        return {"threshold_db": threshold, "kept_fraction": self._kept_fraction.item()}

    def state_dict(self) -> dict[str, object]:
        """Return the place in the epoch and the number of steps."""
        return {"epochs": self._epochs.state_dict(), "step": self._step, "kept_fraction": self._kept_fraction}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        step, kept = state["step"], state["kept_fraction"]
        if not isinstance(step, int) or not isinstance(kept, Tensor):
            raise StateDamaged("the sampler's state is not one of hard_negative")
        self._epochs.load_state_dict(state["epochs"])
        self._step = step
        self._kept_fraction = kept.to(self._kept_fraction.device)


def is_below(mean_squared_error: CellMap, threshold_db: float) -> Tensor:
    """Say which cells have a PSNR (peak 1) below ``threshold_db``; a perfect cell has an infinite one."""
    return mean_squared_error > 10 ** (-threshold_db / 10)
