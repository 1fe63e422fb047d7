"""Static patch mining: train on the patches with the largest image gradient (or another static score) only.

From the patch-mining study of super-resolution and denoising: the patches of the training set are ranked once, before training, and
those with the lowest value are dropped. Among its rankings (loss of a trained network, gradient, standard deviation, high
frequencies, chance) the gradient was best at 10,000 to 50,000 patches, and its guideline is to drop the lower half. Ranking by the
loss is the sampler `raysearch.samplers.loss`, and chance is `raysearch.samplers.random_subset`; the others are the ``score`` here.

Decided where the paper is silent: the gradient is the mean of squared forward differences over both directions and all channels
(the paper squares it too, although it speaks of a magnitude); ``gradient_l1`` ranks by absolute differences instead, and
``gradient_sqrt`` by the length of the gradient; all formulas are in `raysearch.data.scores`. Of patches with equal values the ones
that stand first in the index are kept.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysearch.data.scores import Score as Static
from raysearch.samplers._kept import Kept, best
from raysearch.samplers.base import Sampler, SamplerConfig, SamplerContext, Score, Signal


class Config(SamplerConfig):
    """The share ``keep`` of the patches with the largest score, without replacement, in a new random order every epoch."""

    kind: Literal["gradient"] = "gradient"

    keep: float = Field(0.5, gt=0, le=1)
    """Share of the patches that is kept; at least one patch is."""

    score: Static = "gradient"
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
        return Kept(best(context.scores[self.score], self.keep), context)
