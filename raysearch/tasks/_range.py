"""Settings of a degradation that are a fixed number, or drawn anew for every image from a range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

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
            self.parse, serialization=core_schema.plain_serializer_function_ser_schema(_plain)
        )

    def parse(self, value: object) -> float | Range:
        """Read a number or a range.

        Raises:
            PydanticCustomError: it is neither, or reaches beyond the bounds; a mistake inside a range is told under its own key.
        """
        if isinstance(value, Range | Mapping):
            found = value if isinstance(value, Range) else parse_inside(Range, value)
            beyond = [(key, end) for key, end in (("low", found.low), ("high", found.high)) if not self._least <= end <= self._most]
            if beyond:
                told = f"needs a number in {self._least:g}..{self._most:g}"
                nested = [{"type": "range", "loc": (key,), "msg": told, "input": end} for key, end in beyond]
                raise PydanticCustomError("range", "invalid range", {"nested": nested})
            return found
        if isinstance(value, bool) or not isinstance(value, int | float) or not self._least <= value <= self._most:
            raise PydanticCustomError(
                "number_or_range",
                "needs a number in {least}..{most}, or a range such as {low: {least}, high: {most}}",
                {"least": f"{self._least:g}", "most": f"{self._most:g}"},
            )
        return float(value)


Parsed = TypeVar("Parsed", bound=Config)


def parse_inside(kind: type[Parsed], value: Mapping[str, object]) -> Parsed:
    """Read a mapping; a mistake inside it is told under its own key.

    Raises:
        PydanticCustomError: it is no such config.
    """
    try:
        return kind.parse(dict(value))
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
