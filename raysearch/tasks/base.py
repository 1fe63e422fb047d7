"""What a task is: a degradation and the image that is to be restored from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysearch.component import Config

if TYPE_CHECKING:
    import torch

    from raysearch.shapes import Image, Sigma


@dataclass(frozen=True)
class Pair:
    """A batch as a network meets it.

    Attributes:
        degraded: (b, c_in, h, w), float32, nominally in [0, 1]; noise is not clipped unless the task says so.
        clean: (b, c_out, h*scale, w*scale), float32 in [0, 1]: what is to be restored.
        sigma_255: noise level that was applied, (b, 1, 1, 1) or (b, 1, h, w), on the 0..255 scale; None for a task without noise.
    """

    degraded: Image
    clean: Image
    sigma_255: Sigma | None


class TaskConfig(Config, ABC):
    """A degradation. Each kind states its clipping, its noise model and its source in its docstring."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Channels of the clean image: 1 (grey) or 3 (RGB)."""

    @property
    @abstractmethod
    def channels_in(self) -> int:
        """Channels of the degraded image."""

    @property
    def channels_stored(self) -> int:
        """Channels of the photographs that `degrade` is given; more than `channels` where a task restores only a part of them."""
        return self.channels

    @property
    @abstractmethod
    def scale(self) -> int:
        """Size of the clean image over the size of the degraded one (1 but for super-resolution)."""

    @property
    @abstractmethod
    def multiple_of(self) -> int:
        """Height and width of the clean image must be divisible by this (2 for a Bayer mosaic)."""

    @property
    @abstractmethod
    def gives_sigma(self) -> bool:
        """Whether a noise level is known and given with every pair."""

    @abstractmethod
    def levels(self) -> dict[str, TaskConfig]:
        """The fixed degradations at which a model is evaluated, by label (``{"sigma 15": ..., "sigma 25": ...}``).

        A task without random parameters returns itself under its own label. Labels become columns of the report's tables.
        """

    @abstractmethod
    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Degrade a batch on its own device.

        Args:
            clean: (b, channels_stored, h, w), float32 in [0, 1]; height and width are divisible by `multiple_of`.
            generator: on the same device; the only source of randomness.
        """
