"""From the loss of every pixel to the loss of a batch; the only place where a loss is reduced."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from raysearch.recipes.base import RecipeContext
from raysearch.shapes import LossMap, PixelWeights


def reduce_loss(loss_map: LossMap, weights: PixelWeights | None) -> Tensor:
    """Return ``sum(weights * loss_map) / b``, 0-dim; without weights the mean."""
    if weights is None:
        return loss_map.mean()
    return (weights * loss_map).sum() / len(loss_map)


def shown_of_all_ranks(
    loss: Tensor, maps: Mapping[str, LossMap], weights: PixelWeights | None, context: RecipeContext
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss and its terms as they are shown: averaged over ranks (in one message), 0-dim and detached.

    Args:
        loss: 0-dim, of this rank.
        maps: the terms of every pixel's loss, by name.
        weights: the sampler's answer.
    """
    with torch.no_grad():
        own = torch.stack([loss, *(reduce_loss(values, weights) for values in maps.values())])
    shown, *terms = context.mean_over_ranks(own.detach()).unbind()
    return shown, dict(zip(maps, terms, strict=True))


def anything_kept(weights: PixelWeights, context: RecipeContext) -> bool:
    """Say whether any rank has a weight above 0, so that all ranks skip together. Reads the device."""
    return context.mean_over_ranks(weights.sum()).item() > 0
