"""Luma and colour differences of NTSC's YIQ, on the 0..255 scale, as the authors of GMSD, IW-SSIM and FSIM convert images."""

from __future__ import annotations

from jaxtyping import Float64
from torch import Tensor

from raysearch.metrics.protocol import Protocol

_WEIGHTS = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


def luma(image: Float64[Tensor, "b c h w"]) -> Float64[Tensor, "b 1 h w"]:
    """Return the luma of RGB images in [0, 1], or images of one channel themselves; times 255."""
    return 255 * (image if image.shape[1] == 1 else _mixed(image, 0))


def planes(image: Float64[Tensor, "b c h w"], protocol: Protocol) -> Float64[Tensor, "n 1 h w"]:
    """Return what a metric of one channel sees of each image, times 255: its luma, or its channels one by one (``rgb_each``)."""
    return 255 * image.flatten(0, 1)[:, None] if protocol.space == "rgb_each" else luma(image)


def per_image(values: Float64[Tensor, " n"], images: int) -> Float64[Tensor, " b"]:
    """Average the values of `planes` over those of an image."""
    return values.view(images, -1).mean(dim=1)


def colour(rgb: Float64[Tensor, "b 3 h w"]) -> tuple[Float64[Tensor, "b 1 h w"], Float64[Tensor, "b 1 h w"]]:
    """Return the two colour differences of RGB images in [0, 1], times 255."""
    return 255 * _mixed(rgb, 1), 255 * _mixed(rgb, 2)


def _mixed(rgb: Tensor, row: int) -> Tensor:
    red, green, blue = (weight * rgb[:, i : i + 1] for i, weight in enumerate(_WEIGHTS[row]))
    return red + green + blue
