"""From the loss of every pixel to the loss of a batch; the only place where a loss is reduced."""

from __future__ import annotations

from torch import Tensor

from raysearch.recipes.base import RecipeContext
from raysearch.shapes import LossMap, PixelWeights


def reduce_loss(loss_map: LossMap, weights: PixelWeights | None) -> Tensor:
    """Return ``sum(weights * loss_map) / b``, 0-dim; without weights the mean."""
    if weights is None:
        return loss_map.mean()
    return (weights * loss_map).sum() / len(loss_map)


def anything_kept(weights: PixelWeights, context: RecipeContext) -> bool:
    """Say whether any rank has a weight above 0, so that all ranks skip together. Reads the device."""
    return context.mean_over_ranks(weights.sum()).item() > 0
