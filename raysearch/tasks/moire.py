"""Demoireing: restore a screen's image from a photograph of the screen, which is synthesised here.

The stripes of a screen and the pixels of a sensor make the coloured waves of a moire. The steps are those of Liu, Shu & Wu,
"Demoireing of camera-captured screen images using deep convolutional neural network", 2018, arXiv:1804.03809, which give no
numbers; all numbers here are ours:

1. every pixel becomes a cell of three stripes, red, green and blue, with a dark row below (`raysearch.tasks._screen`); a pixel of
   value v emits v^2.2;
2. the camera: rotation, tilt (projective) and scale, drawn for every image;
3. radial distortion of the lens;
4. a flat-top Gaussian low-pass, exp(-(r / width)^4 / 2) over rows and columns; then the camera's gamma of 1 / 2.2, and a clip;
5. a Bayer pattern (``rggb``);
6. Gaussian noise, and a clip;
7. demosaicing as MATLAB does it;
8. light denoising: a bilateral filter of 3 x 3 pixels, as wide as the noise;
9. JPEG, chroma at half size (on the device: `raysearch.tasks._jpeg`).

Input: the photograph in [0, 1]. Output: the clean image in [0, 1] seen through the *same* geometry (steps 2 and 3, bilinear), so
the two lie on each other; it is not the stored image but a warped one of the same size. The brightness of the two agrees: a white
screen is exposed to 1. Beyond the screen its image is continued by mirroring. No noise level is given: none describes the waves.
"""

from __future__ import annotations

from math import pi
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor
from torch.nn import functional

from raysearch.shapes import Image
from raysearch.tasks._demosaic import demosaic, sites_of
from raysearch.tasks._jpeg import compress
from raysearch.tasks._range import Drawn, Range, Within, draw, draw_quality
from raysearch.tasks._screen import Pose, photographed, warped
from raysearch.tasks.base import Pair, TaskConfig

_GAMMA = 2.2


class Config(TaskConfig):
    """A photograph of a screen."""

    kind: Literal["moire"] = "moire"

    screen_scale: Annotated[float | Range, Within(0.5, 3.0)] = Range(low=0.8, high=1.5)
    """Pixels of the sensor per pixel of the screen in training: a number, or a range drawn per image."""

    rotation_degrees: float = Field(5.0, ge=0, le=45)
    """Largest rotation of the camera, in degrees; drawn uniformly in both directions."""

    tilt: float = Field(0.02, ge=0, le=0.1)
    """Largest relative change of distance over 256 pixels, drawn uniformly in both directions, over columns and over rows."""

    distortion: float = Field(0.005, ge=0, le=0.1)
    """Largest relative radial shift at 256 pixels from the centre, drawn uniformly in both directions."""

    lowpass: Annotated[float | Range, Within(0.1, 1.0)] = Range(low=0.45, high=0.6)
    """Width of the optical low-pass in pixels of the sensor: a number, or a range drawn per image. Less gives stronger waves."""

    sigma_255: Annotated[float | Range, Within(0.0, 255.0)] = Range(low=0, high=5)
    """Standard deviation of the sensor's noise, on the 0..255 scale of the photograph: a number, or a range drawn per image."""

    jpeg_quality: Annotated[float | Range, Within(1.0, 100.0)] | None = Range(low=70, high=95)
    """Quality of the JPEG file: a number, or a range drawn per image and rounded; null writes no file."""

    evaluate_at: Annotated[tuple[Annotated[float, Field(ge=0.5, le=3)], ...], Field(min_length=1)] = (0.9, 1.0, 1.25)
    """Scales of the screen at which a model is evaluated. What else is drawn is drawn there too, the same for every model."""

    @field_validator("evaluate_at")
    @classmethod
    def _distinct(cls, scales: tuple[float, ...]) -> tuple[float, ...]:
        if len({f"{scale:g}" for scale in scales}) < len(scales):
            raise ValueError("a scale is listed twice")
        return scales

    @property
    def channels(self) -> int:
        """Three: RGB."""
        return 3

    @property
    def channels_in(self) -> int:
        """Three: the camera interpolates."""
        return 3

    @property
    def scale(self) -> int:
        """One: the clean image is scaled like the photograph."""
        return 1

    @property
    def multiple_of(self) -> int:
        """One: any size of at least 3 x 3."""
        return 1

    @property
    def gives_sigma(self) -> bool:
        """No."""
        return False

    def levels(self) -> dict[str, TaskConfig]:
        """Return one task for each evaluation scale, e.g. ``screen x0.9``."""
        return {f"screen x{s:g}": self.model_copy(update={"screen_scale": s, "evaluate_at": (s,)}) for s in self.evaluate_at}

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Show every image of the batch on a screen and photograph it."""
        images = clean.shape[0]
        pose = self._pose(images, generator)
        lowpass = draw(self.lowpass, images, generator).flatten()
        light = photographed(clean**_GAMMA, pose, lowpass)
        sigma = draw(self.sigma_255, images, generator) / 255
        seen = _developed(light.clamp(0, 1) ** (1 / _GAMMA), sigma, generator)
        if self.jpeg_quality is not None:
            seen = compress(seen, draw_quality(self.jpeg_quality, images, generator), "4:2:0")
        return Pair(degraded=seen, clean=warped(clean, pose).clamp(0, 1), sigma_255=None)

    def _pose(self, images: int, generator: torch.Generator) -> Pose:
        def both_ways(most: float, values: int) -> Drawn:
            return draw(Range(low=-most, high=most), images, generator, values)

        return Pose(
            scale=draw(self.screen_scale, images, generator),
            angle=both_ways(self.rotation_degrees * pi / 180, 1),
            tilt=both_ways(self.tilt, 2),
            distortion=both_ways(self.distortion, 1),
            shift=both_ways(0.5, 2),
        )


def _developed(image: Image, sigma: Drawn, generator: torch.Generator) -> Image:
    """Read the image through a Bayer pattern with noise, fill in the colours, and denoise."""
    images, _, height, width = image.shape
    sites = sites_of(torch.zeros(images, dtype=torch.int64, device=image.device), height, width)
    noise = torch.randn((images, 1, height, width), generator=generator, device=image.device)
    raw = (image * sites).sum(dim=1, keepdim=True) + sigma * noise
    return bilateral(demosaic(raw.clamp(0, 1), sites).clamp(0, 1), sigma)


def bilateral(image: Image, sigma: Float[Tensor, "b 1 1 1"]) -> Image:
    """Average each value with its eight neighbours, weighted by exp(-distance^2 / 2 - (difference / (2 sigma))^2 / 2)."""
    height, width = image.shape[-2:]
    wide = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    total, weights = torch.zeros_like(image), torch.zeros_like(image)
    reach = (2 * sigma).clamp_min(1e-3)
    for dy in range(3):
        for dx in range(3):
            other = wide[..., dy : dy + height, dx : dx + width]
            distance = (dy - 1) ** 2 + (dx - 1) ** 2
            weight = torch.exp(-distance / 2 - ((other - image) / reach) ** 2 / 2)
            total, weights = total + weight * other, weights + weight
    return total / weights
