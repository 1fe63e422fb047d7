"""A gallery of pictures as one figure for a paper: strips below each other, labels, frames and the colour bar."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from raysearch.report import svg
from raysearch.report.document import Gallery, Picture

_CELL = 112
_LABEL = 30
_LINES = 24
_REPEAT = 6
"""Enlarged picture elements are repeated so often, since some viewers would smooth them."""


def sheet(gallery: Gallery) -> dict[svg.Form, bytes]:
    """Draw a gallery as an SVG and a PDF file."""
    columns = max(strip.indent + len(strip.pictures) for strip in gallery.strips)
    heights = [max(_CELL * picture.height / picture.width for picture in strip.pictures) + _LABEL for strip in gallery.strips]
    bar = [26.0] if gallery.scale is not None else []

    def paint(figure: Figure) -> None:
        grid = figure.add_gridspec(len(heights) + len(bar), columns, height_ratios=[*heights, *bar])
        for row, strip in enumerate(gallery.strips):
            for position, picture in enumerate(strip.pictures):
                _show(figure.add_subplot(grid[row, strip.indent + position]), picture)
        if gallery.scale is not None:
            _scale(figure.add_subplot(grid[len(heights), :]), gallery.scale, gallery.ends)

    return svg.files(paint, columns * (_CELL + 8), sum(heights) + sum(bar))


def _show(axes: Axes, picture: Picture) -> None:
    pixels = _pixels(picture)
    if picture.sharp:
        pixels = pixels.repeat(_REPEAT, axis=0).repeat(_REPEAT, axis=1)
    axes.imshow(pixels, extent=(0, picture.width, picture.height, 0), interpolation="none")
    if picture.box is not None:
        x, y, width, height = picture.box
        axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=svg.SERIES[1], linewidth=1.5))
    _bare(axes)
    axes.set_xlabel("\n".join(_wrapped(picture.label)), fontsize=7.5)


def _scale(axes: Axes, picture: Picture, ends: Sequence[str]) -> None:
    axes.imshow(_pixels(picture), extent=(0, 1, 0, 1), aspect="auto", interpolation="none")
    _bare(axes)
    for place, text, align in zip((0.0, 1.0), ends, ("left", "right"), strict=True):
        axes.text(place, -0.3, text, ha=align, va="top", fontsize=7.5)


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _wrapped(label: str) -> list[str]:
    """Break a label into two lines of at most so many letters; more is cut."""
    words, lines = label.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) >= _LINES and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()[: 2 * _LINES]
    return lines[:2]


def _pixels(picture: Picture) -> NDArray[np.uint8]:
    """Decode the PNG that this program packed."""
    data = base64.b64decode(picture.uri.partition(",")[2])
    with Image.open(io.BytesIO(data), formats=("PNG",)) as opened:
        return np.asarray(opened.convert("RGB"))
