"""Evaluation protocols: the same two images give different PSNRs under different ones, so every number carries its label."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysearch.component import Config


class Protocol(Config):
    """What happens to restored and clean images before a metric sees them.

    Restored images are clipped to [0, 1] always.
    """

    space: Literal["rgb", "y_studio", "gray"] = "rgb"
    """``rgb``: all channels jointly (one mean squared error over them). ``y_studio``: the luma of BT.601 in studio range (16..235),
    as MATLAB's rgb2ycbcr computes it, from RGB. ``gray``: a one-channel image as it is."""

    crop: int = Field(0, ge=0)
    """Pixels of the border that are left out on every side."""

    quantize: bool = False
    """Round to 8 bit before the metric (the clean image is 8 bit already)."""

    @property
    def label(self) -> str:
        """The label that stands beside every number, e.g. ``RGB, crop 0, float`` or ``Y studio, crop 2, 8 bit``."""
        space = {"rgb": "RGB", "y_studio": "Y studio", "gray": "gray"}[self.space]
        return f"{space}, crop {self.crop}, {'8 bit' if self.quantize else 'float'}"
