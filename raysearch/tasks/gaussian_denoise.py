"""Gaussian denoising: restore an image from itself plus white Gaussian noise.

Input and output: one channel (grey) or three (RGB), clean values in [0, 1]; noise is independent for every value and is not
clipped unless ``clip`` says so. A range of levels makes the task blind: a level is drawn for every image. Protocol: Zhang et al.,
"Beyond a Gaussian denoiser", IEEE Trans. Image Processing 26(7), 2017, arXiv:1608.03981 (fixed 15, 25, 50; blind over [0, 55]).

Spatially variant noise, as Path-Restore is tested on (Yu et al., "Path-Restore", IEEE TPAMI 2021, arXiv:1904.10343)::

    sigma_255: {low: 0, high: 50}
    evaluate_at_255: [10, 50, {form: linear, low: 0, high: 50}, {form: peaks, low: 0, high: 50}]

``linear`` rises over the columns and ``peaks`` follows MATLAB's surface (`raysearch.tasks._noise.level_map`); its source prints
neither formula, so both are our reading. A map spans what is degraded: the whole image in evaluation, each patch in training.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field, field_validator

from raysearch.shapes import Image
from raysearch.tasks._noise import AnyLevel, FixedLevel, Map, add, label, level_map
from raysearch.tasks._range import Range, draw
from raysearch.tasks.base import Pair, TaskConfig


class Config(TaskConfig):
    """White Gaussian noise."""

    kind: Literal["gaussian_denoise"] = "gaussian_denoise"
    color: Literal["rgb", "gray"] = "rgb"
    """Three channels or one."""

    sigma_255: AnyLevel = 25.0
    """Standard deviation of the noise in training, on the 0..255 scale: a number, ``{low: ..., high: ...}`` drawn per image, or a
    map over the image such as ``{form: peaks, low: 0, high: 50}``."""

    evaluate_at_255: Annotated[tuple[FixedLevel, ...], Field(min_length=1)] | None = None
    """Noise levels at which a model is evaluated, on the 0..255 scale: numbers and maps; when it is not given, the training level
    if that is a number or a map, else 15, 25 and 50."""

    clip: bool = False
    """Clip noisy values to [0, 1], as a stored image is; they are not rounded."""

    @field_validator("evaluate_at_255")
    @classmethod
    def _distinct(cls, levels: tuple[float | Map, ...] | None) -> tuple[float | Map, ...] | None:
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
        """Return one fixed-level task for each evaluation level, e.g. ``sigma 25``, or ``sigma 25, clipped``."""
        at = self.evaluate_at_255
        if at is None:
            at = (15.0, 25.0, 50.0) if isinstance(self.sigma_255, Range) else (self.sigma_255,)
        clipped = ", clipped" if self.clip else ""
        return {f"{label(s)}{clipped}": self.model_copy(update={"sigma_255": s, "evaluate_at_255": (s,)}) for s in at}

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Draw a noise level for every image, or lay the map over it, and add the noise."""
        images, _, height, width = clean.shape
        if isinstance(self.sigma_255, Map):
            sigma_255 = level_map(self.sigma_255, height, width, clean.device).repeat(images, 1, 1, 1)
        else:
            sigma_255 = draw(self.sigma_255, images, generator)
        noisy = add(clean, sigma_255, generator)
        return Pair(degraded=noisy.clamp(0, 1) if self.clip else noisy, clean=clean, sigma_255=sigma_255)
