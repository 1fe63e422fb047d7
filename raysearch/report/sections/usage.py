"""The patches that each strategy prefers, drawn over training photographs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raysearch.report import images, plain
from raysearch.report.document import Block, Gallery, Missing, Picture, Strip
from raysearch.report.formats import plural, short
from raysearch.report.names import strategy
from raysearch.report.sections.search import kinds
from raysearch.report.view import View, sampler_of
from raysearch.train.files import SAMPLES, USAGE_CELL, USAGE_FILE, folder_name

THUMBNAILS = "usage_photographs"
"""In a trial's folder: small PNGs of training photographs by name, for the maps to be drawn over."""

_PHOTOGRAPHS = 2
_COLOURS = "viridis"
_SIDE = 288
Map = NDArray[np.float64]


def blocks(view: View) -> list[Block]:
    """Write the gallery, and what is missing from it."""
    found: dict[str, tuple[dict[str, Map], int]] = {}
    missing: list[str] = []
    for kind in kinds(view.record.trials):
        maps, count, why = _of_strategy(view, kind)
        if maps:
            found[kind] = (maps, count)
        else:
            missing.append(f"{strategy(kind) or 'a strategy without a name'} ({why})")
    written: list[Block] = []
    names = _chosen([maps for maps, _ in found.values()])
    if names:
        written.append(_gallery(view, found, names))
    elif found:
        written.append(Missing("The strategies were trained on different photographs, so their maps can't be set side by side."))
    if missing:
        written.append(Missing(f"No map of where they trained: {', '.join(missing)}."))
    return written


def _of_strategy(view: View, kind: str) -> tuple[dict[str, Map], int, str]:
    """Average the maps of a strategy's confirmation trials, else of its search trials that ran their full length."""
    why = "no trial ran its full length"
    for phase in ("confirm", "search"):
        trials = [t for t in view.record.trials if t.phase == phase and t.status == "finished" and sampler_of(t) == kind]
        read: list[dict[str, Map]] = []
        for trial in trials:
            try:
                read.append(_relative(images.read_maps(view.trial_folder(trial.number) / USAGE_FILE, view.folder)))
            except images.Unreadable as error:
                why = str(error)
        averaged = _average(read)
        if averaged:
            return averaged, len(read), ""
    return {}, 0, why


def _relative(maps: Mapping[str, Map]) -> dict[str, Map]:
    """Divide by the mean over all photographs: 1 is how much an average place was trained on."""
    total = sum(float(values.sum()) for values in maps.values())
    cells = sum(values.size for values in maps.values())
    return {name: values * cells / total for name, values in maps.items()} if total > 0 else {}


def _average(read: Sequence[Mapping[str, Map]]) -> dict[str, Map]:
    if not read:
        return {}
    names = [name for name in read[0] if all(name in maps and maps[name].shape == read[0][name].shape for maps in read)]
    return {name: np.mean([maps[name] for maps in read], axis=0) for name in names}


def _chosen(strategies: Sequence[Mapping[str, Map]]) -> list[str]:
    """Choose the photographs on which the strategies prefer different places the most."""
    if not strategies:
        return []
    first = strategies[0]
    shared = [name for name in first if all(name in maps and maps[name].shape == first[name].shape for maps in strategies)]

    def spread(name: str) -> float:
        stack = np.stack([maps[name] for maps in strategies])
        return float(stack.std()) if len(stack) == 1 else float(stack.std(axis=0).mean())

    return sorted(shared, key=lambda name: (-spread(name), name))[:_PHOTOGRAPHS]


def _gallery(view: View, found: Mapping[str, tuple[dict[str, Map], int]], names: Sequence[str]) -> Gallery:
    values = np.concatenate([maps[name].ravel() for maps, _ in found.values() for name in names])
    top = max(float(np.quantile(values, 0.99)), 1e-9)
    rows = []
    with_photograph = False
    for name in names:
        photograph = _photograph(view, name)
        with_photograph |= photograph is not None
        row = [_overlay(kind, name, maps[name], photograph, top) for kind, (maps, _) in found.items()]
        row += [_plain_picture(name, photograph)] if photograph is not None else []
        rows.append(Strip(plain.line(name, 60), tuple(row)))
    which = ", ".join(f"{strategy(kind) or 'not recorded'}: {plural(count, 'trial')}" for kind, (_, count) in found.items())
    caption = (
        f"Where each strategy trained, in cells of {USAGE_CELL} pixels, means over trials ({which}). 1 is the average place; "
        f"all maps share one scale. The {plural(len(names), 'photograph')} on which the strategies differ the most."
    )
    if not with_photograph:
        caption += " The run holds no pictures of these photographs, so the maps stand alone."
    bar = images.bar(_COLOURS)
    scale = Picture(images.pack(bar), 256, 12, f"Colour scale from 0 to {short(top)}", "")
    return Gallery("usage", caption, tuple(rows), scale, ("0", f"{short(top)} times the average"))


def _photograph(view: View, name: str) -> images.Pixels | None:
    """Find a picture of a training photograph among the run's files."""
    file = f"{folder_name(name)}.png"
    folders = [view.folder / "photographs", *(view.trial_folder(t.number) / THUMBNAILS for t in view.record.trials)]
    samples = [view.trial_folder(t.number) / SAMPLES / THUMBNAILS for t in view.record.trials]
    for path in (folder / file for folder in (*folders, *samples)):
        if path.is_file():
            try:
                return images.shrink(images.read(path, view.folder), _SIDE)
            except images.Unreadable:
                continue
    return None


def _plain_picture(name: str, photograph: images.Pixels) -> Picture:
    height, width = photograph.shape[:2]
    return Picture(images.pack(photograph, 128), width, height, f"The photograph {plain.line(name, 60)}", "photograph", sharp=False)


def _overlay(kind: str, name: str, values: Map, photograph: images.Pixels | None, top: float) -> Picture:
    painted = images.colour(values, 0.0, top, _COLOURS)
    if photograph is not None:
        height, width = photograph.shape[:2]
        painted = images.resize(painted, height, width, Image.Resampling.NEAREST)
        grey = photograph.mean(axis=2, keepdims=True)
        painted = 0.68 * painted + 0.32 * grey
    height, width = painted.shape[:2]
    label = strategy(kind) or "not recorded"
    share = float((values < 0.5).mean())
    alt = f"Map of where {label} trained on {plain.line(name, 60)}: {share:.0%} of the places got less than half the average."
    return Picture(images.pack(painted, 64), width, height, alt, label)
