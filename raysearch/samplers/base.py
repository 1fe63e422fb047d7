"""What a patch sampler is: two verbs, `suggest` and `update`, and `look`, which shows what it prefers.

`suggest` chooses the patches of the next batch before they are read. `update` is called between the forward and the backward
pass with what the step measured; the sampler learns from it and answers with the weight of each pixel in this step's loss. So
a strategy that chooses whole patches (gradient mining) and one that chooses cells inside them (PatchNet, hard negatives) have
one interface.

With several workers every rank holds the same sampler: `suggest` is asked for the global batch, `update` sees the global batch
(signals gathered over ranks), and rank 0's answer is broadcast. A sampler therefore knows nothing of ranks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from raysearch.component import Config
from raysearch.data.scores import Score as Static

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from raysearch.shapes import Image, LossMap, PixelWeights, Rows

Signal = Literal["restored", "clean", "loss_map"]
"""What a recipe can measure in a step; see `Signals`."""

Score = Static | Literal["loss"]
"""Score columns: the static ones, and ``loss``, the error of a trained network on each patch (see `raysearch.train.patch_loss`)."""


@dataclass(frozen=True)
class Signals:
    """What a step measured on the global batch, all detached.

    Attributes:
        restored: (b, c, h, w), the network's output, not clipped.
        clean: (b, c, h, w) in [0, 1], cropped like ``restored``.
        loss_map: (b, 1, h, w), the loss of each pixel.
    """

    restored: Image
    clean: Image
    loss_map: LossMap


@dataclass(frozen=True)
class SamplerContext:
    """What a sampler is built from.

    Attributes:
        count: number of rows in the training PatchIndex.
        scores: the score columns that the config's `scores` names, each of length ``count``.
        steps: optimisation steps of the whole trial (schedules run over it).
        patch: side of a training patch as the loss sees it, in pixels.
        channels: channels of a restored image.
        seed: seed of the sampler's own generators.
        device: where signals live.
    """

    count: int
    scores: Mapping[str, NDArray[np.float32]]
    steps: int
    patch: int
    channels: int
    seed: int
    device: torch.device


class Sampler(ABC):
    """A running sampler. All of its state is in `state_dict`; it may be saved between any two steps, also in mid-epoch."""

    @abstractmethod
    def suggest(self, count: int) -> Rows:
        """Return the row numbers of the next ``count`` training patches (int64, on the CPU, each in [0, context.count))."""

    @abstractmethod
    def update(self, rows: Rows, signals: Signals) -> PixelWeights | None:
        """Learn from a step and weigh its pixels.

        Returns:
            Weights (b, 1, h, w), non-negative, detached. The step's loss is ``sum(weights * loss_map) / b``, so weights that sum
            to 1 in every image give the mean. None stands for exactly that. All zeros: the step is skipped.
        """

    @abstractmethod
    def look(self, rows: Rows, restored: Image, clean: Image) -> PixelWeights:
        """Say what the strategy makes of patches at this moment, learning nothing: no state changes, no random number is drawn.

        For pictures of what is trained on and what is not (`raysearch.train.moments`). Patches are as they lie in the photographs.

        Args:
            rows: which patches.
            restored: (b, c, h, w), the network's output for them, not clipped.
            clean: (b, c, h, w) in [0, 1], cropped like ``restored``.

        Returns:
            How much of each pixel is kept, (b, 1, h, w) in [0, 1], float32, detached: 0 where the strategy passes over it, 1 where
            it holds nothing back.
        """

    @abstractmethod
    def statistics(self) -> dict[str, float]:
        """Return what is worth plotting over training (kept fraction, threshold, rank correlation of weight with loss)."""

    @abstractmethod
    def state_dict(self) -> dict[str, object]:
        """Return all state as tensors and plain values (it is saved with ``torch.save`` and read with ``weights_only=True``)."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""

    def take_over(self, state: Mapping[str, object]) -> None:
        """Continue from the state of a sampler of the same kind whose settings differ, but for structural ones.

        (See `raysearch.component.Structural`; population based training changes settings on the way.)
        """
        self.load_state_dict(state)


class SamplerConfig(Config, ABC):
    """A sampling strategy. Each kind cites its source and says what it decided where the source is silent."""

    @property
    @abstractmethod
    def needs(self) -> frozenset[Signal]:
        """The signals that `Sampler.update` reads; the recipe must give them."""

    @property
    @abstractmethod
    def scores(self) -> frozenset[Score]:
        """The score columns that the sampler reads."""

    @property
    def scored_by(self) -> Path | None:
        """The checkpoint (or a trial's folder) whose network gives the score ``loss``; None where that is not read."""
        return None

    @property
    @abstractmethod
    def smallest_patch(self) -> int:
        """The least patch side, in pixels, at which the strategy has anything to choose."""

    @property
    def follows_progress(self) -> bool:
        """Whether the strategy reads `SamplerContext.steps`: a longer training is then another one from the start."""
        return False

    @abstractmethod
    def build(self, context: SamplerContext) -> Sampler:
        """Build the sampler in its initial state."""
