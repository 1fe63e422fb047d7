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
            Networks are told it.
        hidden_sigma_255: the same where it depends on the clean image, from which a network could read the answer: for losses only.
    """

    degraded: Image
    clean: Image
    sigma_255: Sigma | None
    hidden_sigma_255: Sigma | None = None

    @property
    def loss_sigma_255(self) -> Sigma | None:
        """The noise level that losses see."""
        return self.hidden_sigma_255 if self.sigma_255 is None else self.sigma_255


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
        """Channels of the photographs that `degrade` is given; more than `channels` where they are `paired`, or for `luma_only`."""
        return self.channels

    @property
    def luma_only(self) -> bool:
        """Whether it is given RGB and restores the luma alone: BT.601 in studio range, 16/255 to 235/255."""
        return (self.channels, self.channels_stored) == (1, 3)

    @property
    def paired(self) -> bool:
        """Whether `degrade` is given pairs: the channels of a clean image, then as many of its real degraded one."""
        return False

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

    @property
    def gives_loss_sigma(self) -> bool:
        """Whether losses see a noise level: one that networks are told, or one that is hidden from them."""
        return self.gives_sigma

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
