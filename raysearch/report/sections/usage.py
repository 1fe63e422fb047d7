"""The patches that each strategy prefers, drawn over training photographs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from raysearch.report import images, plain
from raysearch.report.document import Block, Gallery, Missing, Picture, Strip
from raysearch.report.formats import plural, short
from raysearch.report.groups import Group, groups
from raysearch.report.overlays import COLOURS, overlay, photograph, plain_picture
from raysearch.report.view import View
from raysearch.train.files import USAGE_CELL, USAGE_FILE

_PHOTOGRAPHS = 2
Map = NDArray[np.float64]


def blocks(view: View) -> list[Block]:
    """Write the gallery, and what is missing from it."""
    found: dict[str, tuple[dict[str, Map], int]] = {}
    missing: list[str] = []
    for group in groups(view):
        maps, count, why = _of_strategy(view, group)
        if maps:
            found[group.name] = (maps, count)
        else:
            missing.append(f"{group.name} ({why})")
    written: list[Block] = []
    names = _chosen(view, [maps for maps, _ in found.values()])
    if names:
        written.append(_gallery(view, found, names))
    elif found:
        written.append(Missing("The strategies were trained on different photographs, so their maps can't be set side by side."))
    if missing:
        written.append(Missing(f"No map of where they trained: {', '.join(missing)}."))
    return written


def _of_strategy(view: View, group: Group) -> tuple[dict[str, Map], int, str]:
    """Average the maps of a strategy's trials."""
    why = "no trial ran its full length"
    read: list[dict[str, Map]] = []
    for trial in group.trials:
        try:
            read.append(_relative(images.read_maps(view.trial_folder(trial.number) / USAGE_FILE, view.folder)))
        except images.Unreadable as error:
            why = str(error)
    averaged = _average(read)
    return (averaged, len(read), "") if averaged else ({}, 0, why)


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


def _chosen(view: View, strategies: Sequence[Mapping[str, Map]]) -> list[str]:
    """Choose the photographs on which the strategies prefer different places the most, among those with a picture if there are."""
    if not strategies:
        return []
    first = strategies[0]
    shared = [name for name in first if all(name in maps and maps[name].shape == first[name].shape for maps in strategies)]

    def spread(name: str) -> float:
        stack = np.stack([maps[name] for maps in strategies])
        return float(stack.std()) if len(stack) == 1 else float(stack.std(axis=0).mean())

    pictured = [name for name in shared if photograph(view, name) is not None]
    return sorted(pictured or shared, key=lambda name: (-spread(name), name))[:_PHOTOGRAPHS]


def _gallery(view: View, found: Mapping[str, tuple[dict[str, Map], int]], names: Sequence[str]) -> Gallery:
    values = np.concatenate([maps[name].ravel() for maps, _ in found.values() for name in names])
    top = max(float(np.quantile(values, 0.99)), 1e-9)
    rows = []
    with_photograph = False
    for name in names:
        picture = photograph(view, name)
        with_photograph |= picture is not None
        row = [plain_picture(name, picture)] if picture is not None else []
        row += [_overlay(group, name, maps[name], picture, top) for group, (maps, _) in found.items()]
        rows.append(Strip(plain.line(name, 60), tuple(row)))
    which = ", ".join(f"{group}: {plural(count, 'trial')}" for group, (_, count) in found.items())
    caption = (
        f"Where each strategy trained, in cells of {USAGE_CELL} pixels, means over trials ({which}). 1 is the average place; "
        f"all maps share one scale. The {plural(len(names), 'photograph')} on which the strategies differ the most."
    )
    if not with_photograph:
        caption += " The run holds no pictures of these photographs, so the maps stand alone."
    bar = images.bar(COLOURS)
    scale = Picture(images.pack(bar), 256, 12, f"Colour scale from 0 to {short(top)}", "")
    return Gallery("usage", caption, tuple(rows), scale, ("0", f"{short(top)} times the average"))


def _overlay(group: str, name: str, values: Map, picture: images.Pixels | None, top: float) -> Picture:
    share = float((values < 0.5).mean())
    alt = f"Map of where {group} trained on {plain.line(name, 60)}: {share:.0%} of the places got less than half the average."
    return overlay(values, top, picture, alt, group)
