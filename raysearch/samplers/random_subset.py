"""A random part of the patches, fixed before training: what every ranking must be better than.

The criterion "rand" of the patch-mining study. Decided where the paper is silent: the subset is drawn without replacement from a
seed of its own, so that trials with different seeds see the same patches (as they do under any other ranking), and a smaller subset
of the same ``draw`` lies inside every larger one.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from raysearch.rng import torch_generator
from raysearch.samplers._kept import Kept, best
from raysearch.samplers.base import Sampler, SamplerConfig, SamplerContext, Score, Signal


class Config(SamplerConfig):
    """A share ``keep`` of the patches, drawn once, visited without replacement, in a new random order every epoch."""

    kind: Literal["random_subset"] = "random_subset"

    keep: float = Field(0.5, gt=0, le=1)
    """Share of the patches that is kept; at least one patch is."""

    draw: int = Field(0, ge=0)
    """Which subset; the trial's seed does not change it."""

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
        ranks = torch.rand(context.count, generator=torch_generator(self.draw, "random_subset"))
        return Kept(best(ranks.numpy(), self.keep), context)
