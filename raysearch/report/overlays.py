"""Maps of training photographs, coloured and laid over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raysearch.report import images, plain
from raysearch.report.document import Picture
from raysearch.report.view import View
from raysearch.train.files import SAMPLES, folder_name

THUMBNAILS = "usage_photographs"
"""In a trial's folder: small PNGs of training photographs by name, for the maps to be drawn over."""

COLOURS = "viridis"
"""The colour map."""

SIDE = 288
"""Longer side of a picture, in picture elements."""

Map = NDArray[np.float64]


def photograph(view: View, name: str, side: int = SIDE) -> images.Pixels | None:
    """Find a picture of a training photograph among the run's files."""
    file = f"{folder_name(name)}.png"
    folders = [view.folder / "photographs", *(view.trial_folder(t.number) / THUMBNAILS for t in view.record.trials)]
    samples = [view.trial_folder(t.number) / SAMPLES / THUMBNAILS for t in view.record.trials]
    for path in (folder / file for folder in (*folders, *samples)):
        if path.is_file():
            try:
                return images.shrink(images.read(path, view.folder), side)
            except images.Unreadable:
                continue
    return None


def plain_picture(name: str, picture: images.Pixels) -> Picture:
    """Show a photograph as it is."""
    height, width = picture.shape[:2]
    return Picture(images.pack(picture, 128), width, height, f"The photograph {plain.line(name, 60)}", "photograph", sharp=False)


def overlay(values: Map, top: float, picture: images.Pixels | None, alt: str, label: str) -> Picture:
    """Colour a map from 0 to ``top`` and lay it over its photograph, whose grey shines through; what is NaN stays grey."""
    known = np.isfinite(values)
    painted = images.colour(np.where(known, values, 0.0), 0.0, top, COLOURS)
    if picture is None:
        painted[~known] = 0.5
    else:
        height, width = picture.shape[:2]
        painted = images.resize(painted, height, width, Image.Resampling.NEAREST)
        covered = images.resize(np.repeat(known[..., None].astype(float), 3, axis=2), height, width, Image.Resampling.NEAREST)
        grey = picture.mean(axis=2, keepdims=True)
        painted = np.where(covered > 0.5, 0.68 * painted + 0.32 * grey, grey)
    height, width = painted.shape[:2]
    return Picture(images.pack(painted, 64), width, height, alt, label)
