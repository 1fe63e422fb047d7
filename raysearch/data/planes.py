"""The planes of a photograph as the store keeps them: of one image, or of a pair, the clean image's first.

1 or 3 channels are those of the photograph (of a pair, the clean image). 2 or 6 channels are those of a pair stacked: the clean
image, then the degraded one. Related images must have one size. Of unrelated ones the middle part is kept that both have.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from raysearch.data.base import Photograph
from raysearch.data.decode import Header, Pixels, arrange, decode, inspect
from raysearch.errors import DataError

_PAIR = (2, 6)


def clean_channels(channels: int) -> int:
    """Return how many of the stored channels are the photograph, or the clean image of a pair."""
    return channels // 2 if channels in _PAIR else channels


def files_read(photograph: Photograph, channels: int) -> tuple[Path, ...]:
    """Return the one or two files that ``channels`` stored channels come from, the clean one first.

    Raises:
        DataError: two are wanted and there is one.
    """
    if channels not in _PAIR:
        return (photograph.path,)
    if photograph.degraded is None:
        raise DataError(
            "the task restores real degraded images, and this photograph has none beside it",
            place=str(photograph.path),
            remedy="use data of kind pairs or unpaired (eval: --degraded), or a task that degrades photographs itself",
        )
    return photograph.files


def header_of(photograph: Photograph) -> Header:
    """Read the headers of a photograph, or of both images of a pair: the size that they have in common, and the deeper bits.

    Raises:
        DataError: a file is no image that raysearch reads.
    """
    headers = [inspect(path) for path in photograph.files]
    return Header(min(h.width for h in headers), min(h.height for h in headers), max(h.bits for h in headers))


def read_planes(photograph: Photograph, channels: int, bits: int) -> Pixels:
    """Decode a photograph into (channels, h, w), with ``bits`` (8 or 16) a sample.

    Args:
        photograph: one file, or a pair.
        channels: 1 or 3 of the photograph; 2 or 6 of a pair.

    Raises:
        DataError: a file is damaged, the pair has no degraded image, or a related pair has two sizes.
    """
    of_each = clean_channels(channels)
    images = [arrange(decode(path), of_each, bits) for path in files_read(photograph, channels)]
    if len(images) == 1:
        return images[0]
    clean, degraded = images
    if photograph.related and clean.shape != degraded.shape:
        raise unequal(photograph, clean.shape[1:], degraded.shape[1:])
    height, width = (min(clean.shape[axis], degraded.shape[axis]) for axis in (1, 2))
    return np.concatenate([_middle(image, height, width) for image in images])


def unequal(photograph: Photograph, clean: tuple[int, ...], degraded: tuple[int, ...]) -> DataError:
    """Make the error of a pair whose images differ in (height, width)."""
    return DataError(
        f"has {degraded[0]} x {degraded[1]} pixels (height x width), and its clean counterpart {photograph.path} has "
        f"{clean[0]} x {clean[1]}",
        place=str(photograph.degraded),
        remedy="the images of a pair must show the same pixels: cut them alike, or leave the pair out",
    )


def _middle(image: Pixels, height: int, width: int) -> Pixels:
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    return image[:, top : top + height, left : left + width]
