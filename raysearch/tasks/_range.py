"""Settings of a degradation that are a fixed number, or drawn anew for every image from a range."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from pydantic import GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from raysearch.component import Config

Drawn = Float[torch.Tensor, "b values 1 1"]
"""Numbers that were drawn for each image of a batch."""


class Range(Config):
    """A number that is drawn anew for every image, uniformly from [low, high]."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        return self


class Within:
    """Annotation for ``float | Range``: a number in [least, most], or ``{low: ..., high: ...}`` with both ends in it."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._parse, serialization=core_schema.plain_serializer_function_ser_schema(_plain)
        )

    def _parse(self, value: object) -> float | Range:
        if isinstance(value, Mapping):
            value = _range(value)
        ends = (value.low, value.high) if isinstance(value, Range) else (value,)
        for end in ends:
            if isinstance(end, bool) or not isinstance(end, int | float) or not self._least <= end <= self._most:
                raise PydanticCustomError(
                    "number_or_range",
                    "needs a number in {least}..{most}, or a range of such numbers: {{low: ..., high: ...}}",
                    {"least": f"{self._least:g}", "most": f"{self._most:g}"},
                )
        return value if isinstance(value, Range) else float(value)  # type: ignore[arg-type]


def _range(value: Mapping[str, object]) -> Range:
    """Read ``{low: ..., high: ...}``; a mistake inside is reported under its own key."""
    try:
        return Range.parse(dict(value))
    except ValidationError as error:
        raise PydanticCustomError("range", "invalid range", {"nested": error.errors(include_url=False)}) from error


def _plain(value: float | Range) -> float | dict[str, float]:
    return {"low": value.low, "high": value.high} if isinstance(value, Range) else value


def draw(value: float | Range, images: int, generator: torch.Generator, values: int = 1) -> Drawn:
    """Return ``values`` numbers for every image, (b, values, 1, 1), on the generator's device; equal ones for a fixed number."""
    shape = (images, values, 1, 1)
    if not isinstance(value, Range):
        return torch.full(shape, value, device=generator.device)
    return value.low + (value.high - value.low) * torch.rand(shape, generator=generator, device=generator.device)


def draw_quality(value: float | Range, images: int, generator: torch.Generator) -> torch.Tensor:
    """Return a JPEG quality for every image, (b,), int64: drawn, then rounded to an integer."""
    return draw(value, images, generator).flatten().round().long()
