"""Evaluation protocols: the same two images give different PSNRs under different ones, so every number carries its label.

In a configuration a protocol is a mapping, or the name of one of `raysearch.metrics.protocol.named`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from raysearch.component import Config
from raysearch.errors import SpecError
from raysearch.metrics.protocol.named import values_of

Space = Literal["rgb", "rgb_each", "y_studio", "gray"]


class Protocol(Config):
    """What happens to restored and clean images before a metric sees them."""

    name: str = ""
    """The published protocol that the other values come from; empty for values of one's own."""

    space: Space = "rgb"
    """``rgb``: all channels jointly (one mean squared error over them). ``rgb_each``: the same, but a metric of one channel
    (IW-SSIM, GMSD, FSIM) is the mean of its values of red, green and blue, instead of that of the luma. ``y_studio``: the luma of
    BT.601 in studio range (16..235), as MATLAB's rgb2ycbcr computes it, from RGB; an image of one channel is that luma already.
    ``gray``: a one-channel image as it is."""

    crop: int = Field(0, ge=0)
    """Pixels of the border that are left out on every side."""

    crop_scale: bool = False
    """Leave out so many pixels more as the task's scale (2 for super-resolution by 2)."""

    quantize: bool | Literal["truncate"] = False
    """Bring the restored image to 8 bit before the metric: true rounds, ``truncate`` rounds down. The clean image, 8 bit already,
    is rounded in both cases."""

    clip: bool = True
    """Clip the restored image to [0, 1]."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        """Take a name for the values that it stands for."""
        return {"name": data, **values_of(data)} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        if self.quantize and not self.clip:
            raise ValueError("8 bit hold no values outside [0, 1]: use clip: true, or quantize: false")
        given = self.model_dump(exclude={"name"})
        if self.name and given != {**_DEFAULTS, **values_of(self.name)}:
            raise ValueError(f"these are not the values of {self.name!r}: leave out the name, or all other values")
        return self

    def at(self, scale: int) -> Protocol:
        """Return the protocol for images of a task with this scale: ``crop`` is then the whole border."""
        if not self.crop_scale:
            return self
        return self.model_copy(update={"crop": self.crop + scale, "crop_scale": False})

    @property
    def label(self) -> str:
        """The label that stands beside every number: ``RGB, crop 0, float`` or ``sr-y-crop2: Y studio, crop 2, 8 bit``."""
        space = {"rgb": "RGB", "rgb_each": "RGB each", "y_studio": "Y studio", "gray": "gray"}[self.space]
        crop = f"crop {self.crop}{' + scale' if self.crop_scale else ''}"
        values = {True: "8 bit", False: "float", "truncate": "8 bit truncated"}[self.quantize]
        name = f"{self.name}: " if self.name else ""
        return f"{name}{space}, {crop}, {values}{'' if self.clip else ' unclipped'}"

    def require_channels(self, channels: int, *, luma: bool = True) -> None:
        """Check that the colour space exists for images of so many channels.

        Args:
            channels: of the images.
            luma: whether images of one channel are luma in studio range, not grey.

        Raises:
            SpecError: it does not (``gray`` needs one channel, ``rgb`` and ``rgb_each`` three, ``y_studio`` three or luma).
        """
        needs = {"gray": (1,), "rgb": (3,), "rgb_each": (3,), "y_studio": (1, 3) if luma else (3,)}[self.space]
        if channels not in needs:
            fitting = "rgb, or space: y_studio" if channels != 1 else "y_studio" if luma else "gray"
            raise SpecError(
                f"the protocol's space {self.space!r} needs images of {' or '.join(map(str, needs))} channel(s), not {channels}",
                place="evaluate.protocol.space",
                remedy=f"write space: {fitting}",
            )


def fitting(channels: int, *, luma: bool) -> Protocol:
    """Return the plain protocol for images of so many channels: all of them, no border, not rounded.

    Args:
        channels: of the images, 1 or 3.
        luma: whether images of one channel are luma in studio range, not grey.
    """
    return Protocol(space="rgb" if channels != 1 else "y_studio" if luma else "gray")


def named(name: str) -> Protocol:
    """Return a published protocol.

    Raises:
        SpecError: there is no such name.
    """
    try:
        return Protocol.model_validate({"name": name, **values_of(name)})
    except ValueError as error:
        raise SpecError(str(error), place="evaluate.protocol") from error


_DEFAULTS = {name: field.default for name, field in Protocol.model_fields.items() if name != "name"}
