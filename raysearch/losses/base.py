"""What a loss is: named terms, one value per pixel first, reduction last.

Samplers weigh pixels and cells, so a loss returns maps; the recipe adds its terms up and reduces them once, in one place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from raysearch.component import Config

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from raysearch.shapes import Image, LossMap, Sigma


@dataclass(frozen=True)
class Compared:
    """What a step gives to a loss.

    Attributes:
        restored: (b, c, h, w), the network's output, not clipped.
        clean: (b, c, h, w) in [0, 1], cropped like ``restored``.
        sigma_255: the noise level that was applied, (b, 1, 1, 1) or (b, 1, h, w), on the 0..255 scale; None without noise.
        extras: what the network returned beside the image, by name; see `raysearch.models.base.Restoration`.
        progress: share of the trial's steps that are done, in [0, 1).
    """

    restored: Image
    clean: Image
    sigma_255: Sigma | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    progress: float = 0.0


class Loss(ABC):
    """A loss on its device. It has no state that training changes."""

    @abstractmethod
    def terms(self, compared: Compared) -> dict[str, LossMap]:
        """Return the loss of every pixel, (b, 1, h, w), by name of the term, weighted: the loss is their sum.

        A value that belongs to a whole image stands in every pixel of it. Finite for finite images.
        """


class LossConfig(Config, ABC):
    """A loss; the formula and its source stand in the docstring of each kind."""

    @property
    def reads(self) -> frozenset[str]:
        """What the loss needs beside the two images: names of the network's extra outputs, and ``sigma_255`` for the noise level.

        A configuration whose network and task don't give all of it is refused.
        """
        return frozenset()

    @property
    def follows_progress(self) -> bool:
        """Whether the loss itself (not a part of it) reads `Compared.progress`: a longer training then differs from the start."""
        return False

    @abstractmethod
    def build(self, device: torch.device) -> Loss:
        """Build the loss.

        Raises:
            DataError: a file with weights that the loss needs is missing or is not what it should be.
        """


class PixelLossConfig(LossConfig):
    """A loss with one term that needs nothing but the two images."""

    kind: str

    @abstractmethod
    def per_pixel(self, restored: Image, clean: Image) -> LossMap:
        """Return the loss of every pixel, averaged over channels: (b, 1, h, w), finite for finite images."""

    @final
    def build(self, device: torch.device) -> Loss:
        """Build the loss; its term has the name of the kind."""
        return _PixelLoss(self.kind, self.per_pixel)


@dataclass(frozen=True)
class _PixelLoss(Loss):
    name: str
    per_pixel: Callable[[Image, Image], LossMap]

    def terms(self, compared: Compared) -> dict[str, LossMap]:
        return {self.name: self.per_pixel(compared.restored, compared.clean)}
