"""Every patch equally often: the baseline of every comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch

from raysearch.samplers._epochs import Epochs
from raysearch.samplers.base import Sampler, SamplerConfig, SamplerContext, Score, Signal, Signals
from raysearch.shapes import Image, PixelWeights, Rows


class Config(SamplerConfig):
    """All patches, without replacement, in a new random order every epoch. The loss is the plain mean."""

    kind: Literal["uniform"] = "uniform"

    @property
    def needs(self) -> frozenset[Signal]:
        """Nothing."""
        return frozenset()

    @property
    def scores(self) -> frozenset[Score]:
        """Nothing."""
        return frozenset()

    @property
    def smallest_patch(self) -> int:
        """Any patch."""
        return 1

    def build(self, context: SamplerContext) -> Sampler:
        """Build the sampler in its initial state."""
        return Uniform(context)


class Uniform(Sampler):
    """See `Config`."""

    def __init__(self, context: SamplerContext) -> None:
        self._epochs = Epochs(torch.arange(context.count), context.seed)

    def suggest(self, count: int) -> Rows:
        """Return the next rows of the epoch."""
        return self._epochs.take(count)

    def update(self, rows: Rows, signals: Signals) -> PixelWeights | None:
        """Return None: the plain mean."""
        return None

    def look(self, rows: Rows, restored: Image, clean: Image) -> PixelWeights:
        """Keep everything."""
        return torch.ones_like(restored[:, :1])

    def statistics(self) -> dict[str, float]:
        """Nothing to plot."""
        return {}

    def state_dict(self) -> dict[str, object]:
        """Return the place in the epoch."""
        return {"epochs": self._epochs.state_dict()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self._epochs.load_state_dict(state["epochs"])
