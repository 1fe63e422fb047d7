"""Non-local filtering: alike blocks of an image are stacked, shrunk along the stack, and averaged into their places."""

from __future__ import annotations

from math import sqrt

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

Plane = Float[Tensor, "c h w"]
"""One image."""

Groups = Int64[Tensor, "references count"]
"""Alike blocks of each reference block, itself first: where their top left pixel stands among the h * w pixels of the image."""

_ROWS = 8  # rows of reference blocks that are matched at once
_BLOCKS = 512  # reference blocks that are filtered at once


def continued(image: Plane, block: int, step: int) -> Float[Tensor, "c hc wc"]:
    """Reflect an image at the bottom and right, so that the last reference blocks end with it."""
    below, right = (-(side - block) % step for side in image.shape[-2:])
    return functional.pad(image[None], (0, right, 0, below), mode="reflect")[0]


def match(image: Plane, block: int, step: int, radius: int, count: int) -> Groups:
    """Find the blocks that are most like each reference block, by the squared difference over all channels.

    Args:
        image: height and width are ``block`` plus a multiple of ``step``.
        block: side of a block.
        step: distance of the reference blocks, which start at the top left.
        radius: how far a block may stand from its reference, in rows and in columns; those outside the image don't count.
        count: blocks in a group. Within the radius of a corner there must be as many.
    """
    height, width = image.shape[-2:]
    side = 2 * radius + 1
    wide = functional.pad(image, [radius] * 4, value=torch.inf)
    found = []
    for top in range(0, height - block + 1, _ROWS * step):
        rows = slice(top, min(top + (_ROWS - 1) * step + block, height))
        costs = torch.stack([_costs(image[:, rows], wide[:, rows.start + dy : rows.stop + dy], block, step) for dy in range(side)])
        costs[radius, radius] = -1
        nearest = costs.flatten(0, 1).topk(count, dim=0, largest=False).indices
        y = top + step * torch.arange(nearest.shape[1], device=image.device)[:, None] + nearest // side - radius
        x = step * torch.arange(nearest.shape[2], device=image.device) + nearest % side - radius
        inside = y.clamp(0, height - block) * width + x.clamp(0, width - block)  # they are, in a finite image
        found.append(inside.flatten(1).T)
    return torch.cat(found)


def _costs(rows: Plane, wide: Float[Tensor, "c h wide"], block: int, step: int) -> Float[Tensor, "shifts down across"]:
    """Return the mean squared difference of every reference block from the block at each shift to the left and right."""
    shifted = wide.unfold(2, rows.shape[2], 1)
    difference = (shifted - rows[:, :, None]).square().sum(dim=0)
    return functional.avg_pool2d(difference.transpose(0, 1), block, step)


def collaborate(image: Plane, groups: Groups, tau: Float[Tensor, " references"], block: int) -> Plane:
    """Filter each group along its stack and average the blocks into their places.

    A coefficient q of the Haar transform along the stack becomes q**3 / (q**2 + tau**2), the mean stays; a group counts with
    1 over the sum of its squared shrinkage factors.

    Args:
        image: what is filtered.
        groups: from `match`, of the same size; a power of two of blocks each.
        tau: strength for each group, in the image's unit.
        block: side of a block.
    """
    flat = image.flatten(1)
    total, weight = torch.zeros_like(flat), torch.zeros_like(flat)
    inside = torch.arange(block, device=image.device)
    offsets = (inside[:, None] * image.shape[2] + inside).flatten()
    for part, strength in zip(torch.split(groups, _BLOCKS), torch.split(tau, _BLOCKS), strict=True):
        at = part[:, :, None] + offsets
        shrunk, trust = _shrink(flat[:, at], strength.view(1, -1, 1, 1))
        places = at.flatten().expand(len(flat), -1)
        total.scatter_add_(1, places, (shrunk * trust).flatten(1))
        weight.scatter_add_(1, places, trust.expand_as(shrunk).flatten(1))
    return (total / weight).view_as(image)


def _shrink(stacks: Float[Tensor, "c m count k"], tau: Float[Tensor, "1 m 1 1"]) -> tuple[Tensor, Float[Tensor, "c m 1 1"]]:
    """Return the filtered stacks, and the weight of each."""
    mean, details = stacks, []
    while mean.shape[2] > 1:
        even, odd = mean[:, :, 0::2], mean[:, :, 1::2]
        details.append((even - odd) / sqrt(2))
        mean = (even + odd) / sqrt(2)
    kept = torch.full_like(mean[..., :1], mean.shape[3])
    for detail in reversed(details):
        factor = detail.square() / (detail.square() + tau.square()).clamp_min(1e-20)
        kept = kept + factor.square().sum(dim=(2, 3), keepdim=True)
        shrunk = detail * factor
        mean = torch.stack([mean + shrunk, mean - shrunk], dim=3).flatten(2, 3) / sqrt(2)
    return mean, 1 / kept
