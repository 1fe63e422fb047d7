"""White Gaussian noise whose level is a fixed number, drawn from a range for every image, or another one at every pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field, PlainSerializer, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from raysearch.component import Config
from raysearch.shapes import Image, Sigma
from raysearch.tasks._range import Range, Within, parse_inside

LARGEST_255 = 255.0
"""The largest standard deviation that a task accepts, on the 0..255 scale."""


class Map(Config):
    """A noise level that varies over the image, from ``low`` to ``high``, on the 0..255 scale; see `level_map`."""

    form: Literal["linear", "peaks"]
    """``linear`` rises from the left border to the right one; ``peaks`` follows the absolute values of MATLAB's surface."""

    low: float = Field(0.0, ge=0, le=LARGEST_255)
    high: float = Field(50.0, ge=0, le=LARGEST_255)

    @model_validator(mode="after")
    def _ordered(self) -> Map:
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        return self


_NUMBER_OR_RANGE = Within(0.0, LARGEST_255)


def _parse_any(value: object) -> float | Range | Map:
    if isinstance(value, Map):
        return value
    is_map = isinstance(value, Mapping) and "form" in value
    return parse_inside(Map, value) if is_map else _NUMBER_OR_RANGE.parse(value)  # type: ignore[arg-type]


def _parse_fixed(value: object) -> float | Map:
    level = _parse_any(value)
    if isinstance(level, Range):
        raise PydanticCustomError("sigma_255", "needs a fixed level: a number in 0..255, or a map such as {form: peaks, high: 50}")
    return level


def _plain(level: float | Range | Map) -> object:
    return level if isinstance(level, float) else level.model_dump()


Level = Annotated[float | Range, _NUMBER_OR_RANGE]
"""Standard deviation of the noise on the 0..255 scale: one number, or a range to draw from for every image."""

AnyLevel = Annotated[float | Range | Map, PlainValidator(_parse_any), PlainSerializer(_plain)]
"""The same, or a map such as ``{form: peaks, low: 0, high: 50}``."""

FixedLevel = Annotated[float | Map, PlainValidator(_parse_fixed), PlainSerializer(_plain)]
"""A noise level in which nothing is drawn: a number, or a map."""

Levels = Annotated[tuple[Annotated[float, Field(ge=0, le=LARGEST_255)], ...], Field(min_length=1)]
"""Standard deviations, on the 0..255 scale, at which a model is evaluated."""


def level_map(level: Map, height: int, width: int, device: torch.device) -> Sigma:
    """Return the noise level of every pixel, (1, 1, h, w), on the 0..255 scale.

    ``linear``: the same in every row, equal steps from ``low`` in the first column to ``high`` in the last. ``peaks``: the absolute
    values of MATLAB's ``peaks`` on -3..3 by -3..3 (x over columns, y over rows), scaled so that 0 becomes ``low`` and the largest
    of the map ``high``.
    """
    x = torch.linspace(-3, 3, width, device=device)[None, :]
    y = torch.linspace(-3, 3, height, device=device)[:, None]
    if level.form == "linear":
        share = ((x + 3) / 6).expand(height, width)
    else:
        share = (
            3 * (1 - x) ** 2 * torch.exp(-(x**2) - (y + 1) ** 2)
            - 10 * (x / 5 - x**3 - y**5) * torch.exp(-(x**2) - y**2)
            - torch.exp(-((x + 1) ** 2) - y**2) / 3
        ).abs()
        share = share / share.max()
    return (level.low + (level.high - level.low) * share)[None, None]


def add(clean: Image, sigma_255: Sigma, generator: torch.Generator) -> Image:
    """Add independent Gaussian noise to every value; nothing is clipped, and a level of 0 changes nothing."""
    noise = torch.randn(clean.shape, generator=generator, device=clean.device, dtype=clean.dtype)
    return clean + noise * (sigma_255 / 255)


def label(level: float | Map) -> str:
    """Return the name of a fixed level in tables, e.g. ``sigma 15`` or ``peaks 0-50``."""
    return f"{level.form} {level.low:g}-{level.high:g}" if isinstance(level, Map) else f"sigma {level:g}"
