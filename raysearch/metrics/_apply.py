"""Bring two images into the form in which a protocol compares them."""

from __future__ import annotations

from torch import Tensor

from raysearch.errors import SpecError
from raysearch.metrics.protocol import Protocol

STUDIO_WEIGHTS = (65.481, 128.553, 24.966)
"""Luma of BT.601 in studio range from RGB in [0, 1], as MATLAB's rgb2ycbcr weighs it; 16 is added, all over 255."""


def apply(restored: Tensor, clean: Tensor, protocol: Protocol, *, smallest: int) -> tuple[Tensor, Tensor]:
    """Clip, round, convert and crop a batch, in double precision.

    The order is: clip the restored image to [0, 1] and bring it to 8 bit where the protocol says so (the clean one is rounded with
    it); convert RGB to luma (not rounded again); crop.

    Args:
        restored: (b, c, h, w), float, any range.
        clean: like ``restored``, in [0, 1].
        smallest: least height and width that the metric needs after the crop, in pixels.

    Raises:
        SpecError: the protocol does not fit the images' channels, or its crop leaves too little of them.
        ValueError: the two batches differ in shape, or the protocol still waits for a scale.
    """
    if restored.shape != clean.shape:
        raise ValueError(f"restored {tuple(restored.shape)} and clean {tuple(clean.shape)} images differ in shape")
    if protocol.crop_scale:
        raise ValueError(f"the border of protocol {protocol.label!r} depends on a scale: call its `at` first")
    protocol.require_channels(clean.shape[1])
    _require_size(clean, protocol.crop, smallest)
    first, second = restored.double(), clean.double()
    if protocol.clip:
        first = first.clamp(0, 1)
    if protocol.quantize:
        first, second = _truncated(first) if protocol.quantize == "truncate" else _rounded(first), _rounded(second)
    return _compared(first, protocol), _compared(second, protocol)


def _rounded(image: Tensor) -> Tensor:
    return (image * 255).round() / 255


def _truncated(image: Tensor) -> Tensor:
    """Round down; in single precision, where every 8-bit value times 255 is whole, as in the code that does so."""
    return (image.float() * 255).floor().double() / 255


def _compared(image: Tensor, protocol: Protocol) -> Tensor:
    if protocol.space == "y_studio" and image.shape[1] == len(STUDIO_WEIGHTS):
        red, green, blue = (weight * image[:, i : i + 1] for i, weight in enumerate(STUDIO_WEIGHTS))
        image = (red + green + blue + 16) / 255
    edge = protocol.crop
    return image[..., edge : image.shape[-2] - edge, edge : image.shape[-1] - edge]


def _require_size(image: Tensor, crop: int, smallest: int) -> None:
    height, width = image.shape[-2:]
    if min(height, width) - 2 * crop < smallest:
        cut = f", of which a border of {crop} is cut" if crop else ""
        raise SpecError(
            f"an image of {height} x {width} pixels{cut} is too small: the metric needs {smallest} x {smallest}",
            place="evaluate.metrics" if smallest > 1 and not crop else "evaluate.protocol.crop",
            remedy=f"leave such small images out, or the metric{', or crop less' if crop else ''}",
        )
