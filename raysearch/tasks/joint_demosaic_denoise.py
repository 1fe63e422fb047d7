"""Joint demosaicing and denoising: restore an RGB image from a noisy Bayer mosaic.

Input: a mosaic of three channels with exact zeros at the missing sites; white Gaussian noise is added to the RGB image before it
is mosaicked and is not clipped, so measured values may leave [0, 1]. Output: the RGB image. The noise level is given to the
network. Noise model and phase: Gharbi et al., "Deep joint demosaicking and denoising", ACM Trans. Graphics 35(6), 2016 (trained
on levels in [0, 20]); the default range [0, 16] and the evaluation levels 5, 10, 15 are those of the PatchNet paper.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import field_validator

from raysearch.shapes import Image
from raysearch.tasks._bayer import Phase, mosaic
from raysearch.tasks._noise import Level, Levels, add, label
from raysearch.tasks._range import Range, draw
from raysearch.tasks.base import Pair, TaskConfig


class Config(TaskConfig):
    """A noisy Bayer mosaic."""

    kind: Literal["joint_demosaic_denoise"] = "joint_demosaic_denoise"
    phase: Phase = "grbg"
    """Colours of the top left 2x2 block, in reading order."""

    sigma_255: Level = Range(low=0, high=16)
    """Standard deviation of the noise in training, on the 0..255 scale: a number, or ``{low: ..., high: ...}`` drawn per image."""

    evaluate_at_255: Levels = (5.0, 10.0, 15.0)
    """Noise levels at which a model is evaluated, on the 0..255 scale."""

    @field_validator("evaluate_at_255")
    @classmethod
    def _distinct(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if len({label(level) for level in levels}) < len(levels):
            raise ValueError("a noise level is listed twice")
        return levels

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
        """Yes."""
        return True

    def levels(self) -> dict[str, TaskConfig]:
        """Return one fixed-level task for each entry of `evaluate_at_255`."""
        return {label(s): Config(phase=self.phase, sigma_255=s, evaluate_at_255=(s,)) for s in self.evaluate_at_255}

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Draw a noise level for every image, add the noise to all three colours, mosaic."""
        sigma_255 = draw(self.sigma_255, clean.shape[0], generator)
        noisy = add(clean, sigma_255, generator)
        return Pair(degraded=mosaic(noisy, self.phase), clean=clean, sigma_255=sigma_255)
