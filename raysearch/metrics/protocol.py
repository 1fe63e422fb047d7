"""Evaluation protocols: the same two images give different PSNRs under different ones, so every number carries its label."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysearch.component import Config
from raysearch.errors import SpecError


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

    def require_channels(self, channels: int) -> None:
        """Check that the colour space exists for images of so many channels.

        Raises:
            SpecError: it does not (``gray`` needs one channel, ``rgb`` and ``y_studio`` need three).
        """
        needs = 1 if self.space == "gray" else 3
        if channels != needs:
            raise SpecError(
                f"the protocol's space {self.space!r} needs images of {needs} channel(s), not {channels}",
                place="evaluate.protocol.space",
                remedy=f"use {'gray' if channels == 1 else 'rgb or y_studio'}",
            )
