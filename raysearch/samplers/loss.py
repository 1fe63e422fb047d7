"""Static patch mining by loss: train on the patches that a trained network restores worst only.

The first ranking of the patch-mining study (equation 4): the mean squared error of a trained network's output, over all pixels and
channels of the patch. The study found hard examples to be worse than large gradients by about 0.1 dB at 10,000 to 50,000 patches.

Decided where the paper is silent: a patch is degraded by the task of the *checkpoint*, at each of its evaluation levels, with a
fixed seed, and the errors of several levels are averaged; the output is not clipped, and a margin that the network does not restore
does not count. The ranking is made once, before training, and kept in the cache; see `raysearch.train.patch_loss`. Of patches with
equal losses the ones that stand first in the index are kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from raysearch.data.paths import AbsolutePath
from raysearch.samplers._kept import Kept, best
from raysearch.samplers.base import Sampler, SamplerConfig, SamplerContext, Score, Signal


class Config(SamplerConfig):
    """The share ``keep`` of the patches with the largest loss, without replacement, in a new random order every epoch."""

    kind: Literal["loss"] = "loss"

    checkpoint: AbsolutePath
    """The trained network: a checkpoint, or a trial's folder (its newest checkpoint is taken)."""

    keep: float = Field(0.5, gt=0, le=1)
    """Share of the patches that is kept; at least one patch is."""

    @property
    def needs(self) -> frozenset[Signal]:
        """Nothing: the ranking is fixed before training."""
        return frozenset()

    @property
    def scores(self) -> frozenset[Score]:
        """The error of the trained network."""
        return frozenset({"loss"})

    @property
    def scored_by(self) -> Path | None:
        """The checkpoint."""
        return self.checkpoint

    @property
    def smallest_patch(self) -> int:
        """Any patch."""
        return 1

    def build(self, context: SamplerContext) -> Sampler:
        """Build the sampler in its initial state."""
        return Kept(best(context.scores["loss"], self.keep), context)
