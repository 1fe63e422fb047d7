"""White Gaussian noise whose level is a fixed number or uniform over a range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field, PlainSerializer, PlainValidator, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from raysearch.component import Config
from raysearch.shapes import Image, Sigma

LARGEST_255 = 255.0
"""The largest standard deviation that a task accepts, on the 0..255 scale."""


class Uniform(Config):
    """A noise level that is drawn anew for every image, uniformly from [low, high], on the 0..255 scale."""

    low: float = Field(ge=0, le=LARGEST_255)
    high: float = Field(ge=0, le=LARGEST_255)

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        return self


def _parse(value: object) -> float | Uniform:
    """Read a number or ``{low: ..., high: ...}``; a mistake inside the range is reported under its own key."""
    if isinstance(value, Uniform):
        return value
    if isinstance(value, Mapping):
        try:
            return Uniform.parse(dict(value))
        except ValidationError as error:
            nested = error.errors(include_url=False)
            raise PydanticCustomError("range", "invalid range of noise levels", {"nested": nested}) from error
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_255:
        raise PydanticCustomError("sigma_255", "needs a number in 0..255, or a range such as {low: 0, high: 16}")
    return float(value)


def _plain(level: float | Uniform) -> float | dict[str, float]:
    return level if isinstance(level, float) else {"low": level.low, "high": level.high}


Level = Annotated[float | Uniform, PlainValidator(_parse), PlainSerializer(_plain)]
"""Standard deviation of the noise on the 0..255 scale: one number, or a range to draw from for every image."""

Levels = Annotated[tuple[Annotated[float, Field(ge=0, le=LARGEST_255)], ...], Field(min_length=1)]
"""Standard deviations, on the 0..255 scale, at which a model is evaluated."""


def draw(level: float | Uniform, images: int, generator: torch.Generator) -> Sigma:
    """Return the noise level of every image, (b, 1, 1, 1) on the 0..255 scale, on the generator's device."""
    shape = (images, 1, 1, 1)
    if isinstance(level, float):
        return torch.full(shape, level, device=generator.device)
    share = torch.rand(shape, generator=generator, device=generator.device)
    return level.low + (level.high - level.low) * share


def add(clean: Image, sigma_255: Sigma, generator: torch.Generator) -> Image:
    """Add independent Gaussian noise to every value; nothing is clipped, and a level of 0 changes nothing."""
    noise = torch.randn(clean.shape, generator=generator, device=clean.device, dtype=clean.dtype)
    return clean + noise * (sigma_255 / 255)


def label(sigma_255: float) -> str:
    """Return the name of a fixed level in tables, e.g. ``sigma 15``."""
    return f"sigma {sigma_255:g}"
