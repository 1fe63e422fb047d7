"""From maps of any size and number of channels to one value per pixel of the restored image."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from raysearch.shapes import LossMap

Values = Float[Tensor, "b channels rows columns"]
"""Values of a loss, at the size of whatever it compares."""


def per_pixel(values: Values, height: int, width: int) -> LossMap:
    """Average over channels and give every pixel the value of the place that it lies in.

    The mean over the image stays what it was where the image's sides are multiples of the map's.

    Args:
        values: one for each channel and place; larger or smaller than the image.
        height: rows of the restored image.
        width: columns of the restored image.
    """
    mean = values.mean(dim=1, keepdim=True)
    if mean.shape[-2:] == (height, width):
        return mean
    return functional.interpolate(mean, size=(height, width), mode="nearest-exact")
