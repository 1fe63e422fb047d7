"""Demosaicing: restore an RGB image from the one colour per pixel that a Bayer sensor measures.

Input: a mosaic of three channels in [0, 1] with zeros at the missing sites, without noise. Output: the RGB image. Stored sRGB
values are mosaicked as they are (not linearised), as in Gharbi et al., "Deep joint demosaicking and denoising", ACM Trans.
Graphics 35(6), 2016, whose default phase ``grbg`` is the default here.
"""

from __future__ import annotations

from typing import Literal

import torch

from raysearch.shapes import Image
from raysearch.tasks._bayer import Phase, mosaic
from raysearch.tasks.base import Pair, TaskConfig


class Config(TaskConfig):
    """A Bayer mosaic without noise."""

    kind: Literal["demosaic"] = "demosaic"
    phase: Phase = "grbg"
    """Colours of the top left 2x2 block, in reading order."""

    @property
    def channels(self) -> int:
        """Three: RGB."""
        return 3

    @property
    def channels_in(self) -> int:
        """Three: the mosaic keeps a channel per colour."""
        return 3

    @property
    def scale(self) -> int:
        """One."""
        return 1

    @property
    def multiple_of(self) -> int:
        """Two: the sensor repeats every two pixels."""
        return 2

    @property
    def gives_sigma(self) -> bool:
        """No: nothing is added."""
        return False

    def levels(self) -> dict[str, TaskConfig]:
        """Return the task itself; nothing in it is random."""
        return {f"demosaic {self.phase}": self}

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Mosaic a batch; the generator is not used."""
        return Pair(degraded=mosaic(clean, self.phase), clean=clean, sigma_255=None)
