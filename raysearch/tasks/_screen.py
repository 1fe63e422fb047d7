"""A screen in front of a camera: where each pixel of the sensor looks, and what it sees there.

Every screen pixel is a cell of three vertical stripes, red, green and blue, each a third wide, lit in the upper two thirds of the
cell and dark below. The sensor sees the screen turned, tilted (a projective map), at some scale and through a lens that distorts
radially. Positions are measured from the image's centre; tilt and distortion are stated at a distance of 256 sensor pixels, so a
patch and a whole photograph are seen alike. Beyond the screen's border its image is continued by mirroring.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from raysearch.shapes import Image
from raysearch.tasks._blur import filtered, gaussian

One = Float[Tensor, "b 1 1 1"]
Two = Float[Tensor, "b 2 1 1"]
Positions = Float[Tensor, "b hs ws"]
"""Places on the screen, in screen pixels from its left or upper border."""

FINE = 5
"""Samples of the sensor's plane per pixel and direction, before the optical low-pass."""

_REACH = 2 * FINE
_MOST_SAMPLES = 1 << 22  # of a band of rows that is rendered at once; bounds the memory


@dataclass(frozen=True)
class Pose:
    """How the camera of each image stands.

    Attributes:
        scale: sensor pixels per screen pixel at the centre.
        angle: rotation, in radians.
        tilt: two values, the relative change of distance 256 sensor pixels to the right and below.
        distortion: relative radial shift at a distance of 256 sensor pixels.
        shift: two values, in screen pixels to the right and down.
    """

    scale: One
    angle: One
    tilt: Two
    distortion: One
    shift: Two


def look(pose: Pose, size: tuple[int, int], rows: Tensor, columns: Tensor) -> tuple[Positions, Positions]:
    """Return (x, y), where points of the sensor look on a screen of the same size in pixels.

    Args:
        size: height and width, in pixels.
        rows: (hs,), in sensor pixels; 0.5 is the middle of the first row.
        columns: (ws,), likewise.
    """
    height, width = size
    v = (rows - height / 2)[None, :, None]
    u = (columns - width / 2)[None, None, :]
    radial = 1 + pose.distortion[:, 0] * (u**2 + v**2) / 256**2
    u, v = u * radial, v * radial
    distance = 1 + (pose.tilt[:, 0] * u + pose.tilt[:, 1] * v) / 256
    cosine, sine = torch.cos(pose.angle[:, 0]), torch.sin(pose.angle[:, 0])
    magnified = pose.scale[:, 0] * distance
    x = (cosine * u - sine * v) / magnified + width / 2 + pose.shift[:, 0]
    y = (sine * u + cosine * v) / magnified + height / 2 + pose.shift[:, 1]
    return x, y


def warped(image: Image, pose: Pose) -> Image:
    """Return the screen's image as the sensor sees it without stripes: bilinear, (b, c, h, w)."""
    height, width = image.shape[-2:]
    device = image.device
    rows, columns = torch.arange(height, device=device) + 0.5, torch.arange(width, device=device) + 0.5
    x, y = look(pose, (height, width), rows, columns)
    grid = torch.stack([2 * x / width - 1, 2 * y / height - 1], dim=-1)
    return functional.grid_sample(image, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def photographed(light: Image, pose: Pose, lowpass: Float[Tensor, " b"]) -> Image:
    """Return the light of the striped screen on each pixel of the sensor, (b, 3, h, w); a white screen gives 1 on average.

    Args:
        light: what the screen's pixels emit, (b, 3, h, w).
        lowpass: width of each lens's flat-top Gaussian exp(-(r / width)^4 / 2), applied over rows and columns, in sensor pixels.
    """
    images, _, height, width = light.shape
    profiles = gaussian(lowpass * FINE, _REACH, power=4)
    band = max(1, _MOST_SAMPLES // (images * width * FINE**2))
    count = ceil(height / band)
    bands = [_band(light, pose, profiles, i * height // count, (i + 1) * height // count) for i in range(count)]
    return torch.cat(bands, dim=2)


def _band(light: Image, pose: Pose, profiles: Float[Tensor, "b taps"], first: int, last: int) -> Float[Tensor, "b c hb w"]:
    """Render the sensor's rows first..last-1, with what the low-pass reads around them."""
    height, width = light.shape[-2:]
    around = _REACH // FINE
    rows = _fine(first - around, last + around, light.device)
    columns = _fine(-around, width + around, light.device)
    seen = _stripes(light, pose, *look(pose, (height, width), rows, columns))
    middle = FINE // 2
    return filtered(seen[..., middle:, middle:], profiles, FINE)


def _fine(first: int, last: int, device: torch.device) -> Tensor:
    """Return the places of the samples in the pixels first..last-1."""
    return first + (torch.arange((last - first) * FINE, device=device) + 0.5) / FINE


def _stripes(light: Image, pose: Pose, x: Positions, y: Positions) -> Float[Tensor, "b 3 hs ws"]:
    """Return the mean light over each sample's footprint, which crosses the borders of stripes but sees one screen pixel."""
    footprint = 1 / (FINE * pose.scale[:, 0])
    images, _, height, width = light.shape
    at = _mirrored(y, height) * width + _mirrored(x, width)
    pixels = light.flatten(2).gather(2, at.flatten(1)[:, None].expand(-1, 3, -1)).view(images, 3, *x.shape[1:])
    lit = _covered(y, footprint, 0.0, 2 / 3)
    stripes = torch.stack([_covered(x, footprint, colour / 3, 1 / 3) for colour in range(3)], dim=1)
    return pixels * stripes * lit[:, None] * 4.5  # a cell is lit on 2/9 of its area


def _covered(place: Positions, footprint: Float[Tensor, "b 1 1"], begin: float, wide: float) -> Positions:
    """Return the share of a footprint around each place that lies where a cell's coordinate is within begin..begin + wide."""

    def up_to(end: Positions) -> Positions:
        whole = end.floor()
        return whole * wide + (end - whole - begin).clamp(0, wide)

    return (up_to(place + footprint / 2) - up_to(place - footprint / 2)) / footprint


def _mirrored(place: Positions, size: int) -> Int64[Tensor, "b hs ws"]:
    """Return the number of the pixel at each place; beyond the border the image is continued by mirroring."""
    number = place.floor().long() % (2 * size)
    return torch.minimum(number, 2 * size - 1 - number)
