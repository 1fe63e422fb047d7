"""What a loss is: one value per pixel first, reduction last.

Samplers weigh pixels and cells, so a loss returns a map; the recipe reduces it once, in one place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from raysearch.component import Config

if TYPE_CHECKING:
    from raysearch.shapes import Image, LossMap


class LossConfig(Config, ABC):
    """A loss; the formula and its source stand in the docstring of each kind."""

    @abstractmethod
    def per_pixel(self, restored: Image, clean: Image) -> LossMap:
        """Return the loss of every pixel, averaged over channels: (b, 1, h, w), finite for finite images."""
