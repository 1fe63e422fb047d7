"""What a discriminator is: a network that tells restored images from clean ones, for training only.

The module that `DiscriminatorConfig.build` returns is called as ``net(images)`` with a float32 batch (b, channels, side, side),
nominally in [0, 1], and returns logits (b, 1) or, where it judges patches, (b, 1, rows, columns): positive for clean. Which loss
the logits enter is the recipe's (`raysearch.recipes.adversarial`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from raysearch.component import Config

if TYPE_CHECKING:
    from torch import nn


class DiscriminatorConfig(Config, ABC):
    """A discriminator. The docstring of each kind cites the paper and lists what differs from it."""

    @abstractmethod
    def build(self, channels: int, side: int) -> nn.Module:
        """Build the network with the current torch generator state deciding the initial weights.

        Args:
            channels: of a restored image.
            side: of a restored training patch, in pixels.

        Raises:
            SpecError: the patch is too small.
        """
