"""Static patch mining: train on the patches with the largest image gradient only.

From the patch-mining study of super-resolution and denoising: the patches of the training set are ranked once, before training, and
those with the lowest value are dropped. Among its four rankings (loss of a trained network, gradient, standard deviation, high
frequencies) the gradient was best at 10,000 to 50,000 patches, and its guideline is to drop the lower half.

Decided where the paper is silent: the gradient is the mean of squared forward differences over both directions and all channels
(the paper squares it too, although it speaks of a magnitude); ``gradient_l1`` ranks by absolute differences instead. Of patches
with equal values the ones that stand first in the index are kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from raysearch.samplers._epochs import Epochs
from raysearch.samplers.base import Sampler, SamplerConfig, SamplerContext, Score, Signal, Signals
from raysearch.shapes import PixelWeights, Rows


class Config(SamplerConfig):
    """The share ``keep`` of the patches with the largest score, without replacement, in a new random order every epoch."""

    kind: Literal["gradient"] = "gradient"

    keep: float = Field(0.5, gt=0, le=1)
    """Share of the patches that is kept; at least one patch is."""

    score: Score = "gradient"
    """The column of the PatchIndex that ranks the patches."""

    @property
    def needs(self) -> frozenset[Signal]:
        """Nothing: the ranking is fixed before training."""
        return frozenset()

    @property
    def scores(self) -> frozenset[Score]:
        """The column that ranks."""
        return frozenset({self.score})

    @property
    def smallest_patch(self) -> int:
        """Two pixels have a difference."""
        return 2

    def build(self, context: SamplerContext) -> Sampler:
        """Build the sampler in its initial state."""
        return Gradient(self, context)


class Gradient(Sampler):
    """See `Config`."""

    def __init__(self, config: Config, context: SamplerContext) -> None:
        values = np.asarray(context.scores[config.score])
        kept = min(context.count, max(1, math.ceil(config.keep * context.count)))
        best = np.sort(np.argsort(-values, kind="stable")[:kept])
        self._kept_fraction = kept / context.count
        self._epochs = Epochs(torch.from_numpy(best.astype(np.int64)), context.seed)

    def suggest(self, count: int) -> Rows:
        """Return the next rows of the epoch over the kept patches."""
        return self._epochs.take(count)

    def update(self, rows: Rows, signals: Signals) -> PixelWeights | None:
        """Return None: the plain mean over the kept patches."""
        return None

    def statistics(self) -> dict[str, float]:
        """Return the share of the patches that is trained on."""
        return {"kept_fraction": self._kept_fraction}

    def state_dict(self) -> dict[str, object]:
        """Return the place in the epoch."""
        return {"epochs": self._epochs.state_dict()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self._epochs.load_state_dict(state["epochs"])
