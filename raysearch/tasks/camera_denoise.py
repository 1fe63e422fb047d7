"""Camera denoising: restore an image from what a camera would have made of it, with the noise model of CBDNet.

Guo et al., "Toward convolutional blind denoising of real photographs", CVPR 2019, arXiv:1807.04686. Input: an 8-bit photograph in
[0, 1] after

1. the inverse of a camera response, which gives the light L;
2. noise on it: n ~ N(0, (shot * L)^2) + N(0, read^2), with levels of their own for each colour;
3. a sensor with one of the four Bayer patterns, or three sensors, and the interpolation of MATLAB's ``demosaic``;
4. the camera response;
5. JPEG.

Output: the RGB image in [0, 1].

As the released code and unlike the paper's text, ``shot`` is a share of L in the standard deviation (not in the variance). The
level that losses see, per pixel, is the authors' training map: shot * L + read, a sum of standard deviations before steps 3 to 5,
here the mean over colours. Networks are not told it, since it shows the clean image (`Pair.hidden_sigma_255`).

**The responses differ from the paper's.** It draws one of 201 measured curves (Grossberg & Nayar, "Modeling the space of camera
response functions", IEEE TPAMI 2004), which can't be shipped. Here a curve is drawn for each image from the family that Eilertsen
et al. fit to the mean of the same data base ("HDR image reconstruction from a single exposure using deep CNNs", ACM Trans. Graphics
36(6), 2017): f(L) = (1 + a) L^n / (L^n + a), with n ~ N(0.9, 0.1) and a ~ N(0.6, 0.1), both kept within two deviations. It is
smooth, rises from 0 to 1, has an inverse in closed form, and is narrower than the set of measured curves.

Further choices: the light is clipped to [0, 1] before the sensor is read, as an unsigned raw file does it, and the result before
JPEG; a sensor of any size works. JPEG runs on the device in training and evaluation alike (`raysearch.tasks._jpeg`); the released
model without JPEG is ``jpeg_quality: null``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor

from raysearch.component import Config as Plain
from raysearch.shapes import Image, Sigma
from raysearch.tasks._demosaic import PHASES, demosaic, sites_of
from raysearch.tasks._jpeg import compress
from raysearch.tasks._range import Range, Within, draw, draw_quality
from raysearch.tasks.base import Pair, TaskConfig

Curves = Float[Tensor, "b 2 1 1"]
"""The two parameters of each image's response: n and a."""

_CENTRE, _DEVIATION = (0.9, 0.6), 0.1


class Level(Plain):
    """A fixed level of noise."""

    shot: float = Field(ge=0, le=1)
    """Standard deviation of the noise that depends on the light, as a share of the light."""

    read_255: float = Field(ge=0, le=255)
    """Standard deviation of the noise that does not, on the 0..255 scale of the light."""

    @property
    def label(self) -> str:
        """Name of a column, e.g. ``shot 0.08, read 7.6``."""
        return f"shot {self.shot:g}, read {self.read_255:g}"


class Config(TaskConfig):
    """A photograph as a camera takes and stores it."""

    kind: Literal["camera_denoise"] = "camera_denoise"

    shot: Annotated[float | Range, Within(0.0, 1.0)] = Range(low=0, high=0.16)
    """Noise in training that depends on the light, as a share of the light: a number, or a range drawn per image and colour."""

    read_255: Annotated[float | Range, Within(0.0, 255.0)] = Range(low=0, high=15.3)
    """Noise in training that does not, on the 0..255 scale of the light: likewise (15.3 is the source's 0.06)."""

    response: Literal["drawn", "linear"] = "drawn"
    """A camera response drawn for every image, or none."""

    pattern: Literal["drawn", "rggb", "grbg", "gbrg", "bggr", "none"] = "drawn"
    """The sensor's pattern; ``drawn``: one of the four or none, all equally often; ``none``: three sensors, no interpolation."""

    jpeg_quality: Annotated[float | Range, Within(1.0, 100.0)] | None = Range(low=60, high=100)
    """Quality of the JPEG file (chroma at half size): a number, or a range drawn per image and rounded; null writes no file."""

    evaluate_at: Annotated[tuple[Level, ...], Field(min_length=1)] = (
        Level(shot=0.04, read_255=3.8),
        Level(shot=0.08, read_255=7.6),
        Level(shot=0.16, read_255=15.3),
    )
    """Levels at which a model is evaluated. What else is drawn is drawn there too, the same for every model."""

    @field_validator("evaluate_at")
    @classmethod
    def _distinct(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        if len({level.label for level in levels}) < len(levels):
            raise ValueError("a level is listed twice")
        return levels

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
        """One."""
        return 1

    @property
    def multiple_of(self) -> int:
        """One: any size of at least 3 x 3."""
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
        """Return one task of fixed noise for each evaluation level."""
        return {at.label: self._at(at) for at in self.evaluate_at}

    def _at(self, level: Level) -> TaskConfig:
        return self.model_copy(update={"shot": level.shot, "read_255": level.read_255, "evaluate_at": (level,)})

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Take a photograph of every image of the batch."""
        images = clean.shape[0]
        curves = _draw_curves(images, generator) if self.response == "drawn" else None
        light = clean if curves is None else light_of(clean, curves)
        shot = draw(self.shot, images, generator, 3)
        read = draw(self.read_255, images, generator, 3) / 255
        kinds = torch.randn((2, *clean.shape), generator=generator, device=clean.device)
        measured = self._read(light + shot * light * kinds[0] + read * kinds[1], generator).clamp(0, 1)
        photograph = measured if curves is None else respond(measured, curves)
        if self.jpeg_quality is not None:
            photograph = compress(photograph, draw_quality(self.jpeg_quality, images, generator), "4:2:0")
        level: Sigma = (shot * light + read).mean(dim=1, keepdim=True) * 255
        return Pair(photograph, clean, None, level)

    def _read(self, light: Image, generator: torch.Generator) -> Image:
        """Read the light with each image's sensor."""
        images, _, height, width = light.shape
        if self.pattern == "none":
            return light
        whole = torch.zeros(images, dtype=torch.bool, device=light.device)
        if self.pattern == "drawn":
            numbers = torch.randint(5, (images,), generator=generator, device=generator.device)
            whole, numbers = numbers == 4, numbers % 4
        else:
            numbers = torch.full((images,), PHASES.index(self.pattern), device=light.device)
        sites = sites_of(numbers, height, width)
        raw = (light.clamp(0, 1) * sites).sum(dim=1, keepdim=True)
        return torch.where(whole[:, None, None, None], light, demosaic(raw, sites))


def _draw_curves(images: int, generator: torch.Generator) -> Curves:
    deviations = torch.randn((images, 2, 1, 1), generator=generator, device=generator.device).clamp(-2, 2)
    return torch.tensor(_CENTRE, device=generator.device).view(1, 2, 1, 1) + _DEVIATION * deviations


def respond(light: Image, curves: Curves) -> Image:
    """Return what cameras make of light in [0, 1]: (1 + a) L^n / (L^n + a), in [0, 1]."""
    n, a = curves[:, :1], curves[:, 1:]
    power = light**n
    return (1 + a) * power / (power + a)


def light_of(image: Image, curves: Curves) -> Image:
    """Return the light that `respond` makes an image of: (a y / (1 + a - y))^(1/n)."""
    n, a = curves[:, :1], curves[:, 1:]
    return (a * image / (1 + a - image)) ** (1 / n)
