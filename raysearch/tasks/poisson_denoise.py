"""Poisson denoising: restore an image from counts of few photons, with or without the Gaussian noise of the readout.

Input: counts over the peak plus Gaussian noise, nominally in [0, 1] and above, not clipped unless ``clip`` says so; output: the
image in [0, 1]. A pixel of value x receives Poisson(peak * x) photons, so its variance is x / peak + (sigma_255 / 255)^2: the model
of Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data", IEEE Trans. Image Processing
17(10), 2008, with a = 1 / peak and b = (sigma_255 / 255)^2.

The defaults, peak 200 and sigma 2.55, are a = 0.005 and b = 0.0001, the noise of Zhao et al., "Loss functions for image restoration
with neural networks", IEEE Trans. Computational Imaging 2017, arXiv:1511.08861. The peaks 1, 2, 4, 8 and 30 without readout noise
are those of Remez et al., "Class-aware fully convolutional Gaussian and Poisson denoising", IEEE Trans. Image Processing 27(11),
2018, arXiv:1808.06562; there the peak belongs to the brightest pixel of an image, here to white (1.0).

The level of the noise depends on the clean image, so networks are not told it; losses are (`Pair.hidden_sigma_255`, per pixel, from
the mean over colours).
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field, field_validator

from raysearch.shapes import Image, Sigma
from raysearch.tasks._range import Range, Within, draw
from raysearch.tasks.base import Pair, TaskConfig

Peak = Annotated[float | Range, Within(0.1, 1e5)]
"""Photons of a white pixel: one number, or a range to draw from for every image."""


class Config(TaskConfig):
    """Photon noise."""

    kind: Literal["poisson_denoise"] = "poisson_denoise"
    color: Literal["rgb", "gray"] = "rgb"
    """Three channels or one."""

    peak: Peak = 200.0
    """Mean number of photons of a white pixel in training: a number, or ``{low: ..., high: ...}`` drawn per image."""

    sigma_255: float = Field(2.55, ge=0, le=255)
    """Standard deviation of the Gaussian noise that is added, on the 0..255 scale; 0 leaves the photons alone."""

    evaluate_at: Annotated[tuple[Annotated[float, Field(ge=0.1, le=1e5)], ...], Field(min_length=1)] | None = None
    """Peaks at which a model is evaluated; when it is not given, the training peak if that is a number, else 1, 2, 4, 8 and 30."""

    clip: bool = False
    """Clip noisy values to [0, 1], as a stored image is; they are not rounded."""

    @field_validator("evaluate_at")
    @classmethod
    def _distinct(cls, peaks: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if peaks is not None and len({f"{peak:g}" for peak in peaks}) < len(peaks):
            raise ValueError("a peak is listed twice")
        return peaks

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
        """No: from the level of a pixel a network could read its clean value."""
        return False

    @property
    def gives_loss_sigma(self) -> bool:
        """Yes."""
        return True

    def levels(self) -> dict[str, TaskConfig]:
        """Return one task of fixed peak for each evaluation peak, e.g. ``peak 4`` or ``peak 200, sigma 2.55, clipped``."""
        at = self.evaluate_at
        if at is None:
            at = (1.0, 2.0, 4.0, 8.0, 30.0) if isinstance(self.peak, Range) else (self.peak,)
        more = (f", sigma {self.sigma_255:g}" if self.sigma_255 else "") + (", clipped" if self.clip else "")
        return {f"peak {p:g}{more}": self.model_copy(update={"peak": p, "evaluate_at": (p,)}) for p in at}

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Draw a peak for every image, count its photons and add the readout's noise."""
        peak = draw(self.peak, clean.shape[0], generator)
        noisy = torch.poisson((clean * peak).contiguous(), generator=generator) / peak
        readout = torch.randn(clean.shape, generator=generator, device=clean.device, dtype=clean.dtype)
        noisy = noisy + readout * (self.sigma_255 / 255)
        level: Sigma = (clean.mean(dim=1, keepdim=True) / peak + (self.sigma_255 / 255) ** 2).sqrt() * 255
        return Pair(noisy.clamp(0, 1) if self.clip else noisy, clean, None, level)
