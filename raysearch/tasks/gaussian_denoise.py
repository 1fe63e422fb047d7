"""Gaussian denoising: restore an image from itself plus white Gaussian noise.

Input and output: one channel (grey) or three (RGB), clean values in [0, 1]; noise is independent for every value and is not
clipped. A range of levels makes the task blind: a level is drawn for every image. Protocol: Zhang et al., "Beyond a Gaussian
denoiser", IEEE Trans. Image Processing 26(7), 2017, arXiv:1608.03981 (fixed 15, 25, 50; blind over [0, 55]).
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import field_validator

from raysearch.shapes import Image
from raysearch.tasks._noise import Level, Levels, add, draw, label
from raysearch.tasks.base import Pair, TaskConfig


class Config(TaskConfig):
    """White Gaussian noise."""

    kind: Literal["gaussian_denoise"] = "gaussian_denoise"
    color: Literal["rgb", "gray"] = "rgb"
    """Three channels or one."""

    sigma_255: Level = 25.0
    """Standard deviation of the noise in training, on the 0..255 scale: a number, or ``{low: ..., high: ...}`` drawn per image."""

    evaluate_at_255: Levels | None = None
    """Noise levels at which a model is evaluated, on the 0..255 scale; when it is not given, the training level if that is a
    number, else 15, 25 and 50."""

    @field_validator("evaluate_at_255")
    @classmethod
    def _distinct(cls, levels: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if levels is not None and len({label(level) for level in levels}) < len(levels):
            raise ValueError("a noise level is listed twice")
        return levels

    @property
    def channels(self) -> int:
        """Three for RGB, one for grey."""
        return 3 if self.color == "rgb" else 1

    @property
    def channels_in(self) -> int:
        """As many as the clean image has."""
        return self.channels

    @property
    def scale(self) -> int:
        """One."""
        return 1

    @property
    def multiple_of(self) -> int:
        """One: any size."""
        return 1

    @property
    def gives_sigma(self) -> bool:
        """Yes."""
        return True

    def levels(self) -> dict[str, TaskConfig]:
        """Return one fixed-level task for each evaluation level."""
        at = self.evaluate_at_255
        if at is None:
            at = (self.sigma_255,) if isinstance(self.sigma_255, float) else (15.0, 25.0, 50.0)
        return {label(s): Config(color=self.color, sigma_255=s, evaluate_at_255=(s,)) for s in at}

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Draw a noise level for every image and add the noise."""
        sigma_255 = draw(self.sigma_255, clean.shape[0], generator)
        return Pair(degraded=add(clean, sigma_255, generator), clean=clean, sigma_255=sigma_255)
