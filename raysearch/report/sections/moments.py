"""What each strategy kept of training photographs, at several moments of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raysearch.report import images, plain
from raysearch.report.document import Block, Gallery, Missing, Picture, Strip
from raysearch.report.groups import Group, groups
from raysearch.report.overlays import COLOURS, Map, overlay, photograph, plain_picture
from raysearch.report.view import View
from raysearch.train.files import MOMENTS_FILE, USAGE_CELL

_PHOTOGRAPHS = 2
_MOMENTS = 5
_SIDE = 224
_PREFIX = "maps/"


@dataclass(frozen=True)
class Seen:
    """What was recorded of one training.

    Attributes:
        group: the strategy.
        trial: the training's number.
        steps: the moments.
        maps: by photograph (moments, rows, columns), from 0 to 1, NaN where nothing was looked at.
    """

    group: Group
    trial: int
    steps: tuple[int, ...]
    maps: Mapping[str, Map]

    @property
    def varies(self) -> bool:
        """Whether any map changes over the training."""
        return any(not np.array_equal(one, maps[0], equal_nan=True) for maps in self.maps.values() for one in maps[1:])

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is ever passed over."""
        return all(bool((maps[np.isfinite(maps)] == 1).all()) for maps in self.maps.values())


def blocks(view: View) -> list[Block]:
    """Write the gallery, and what is missing from it."""
    found, missing = [], []
    for group in groups(view):
        seen, why = _of_group(view, group)
        if seen is not None:
            found.append(seen)
        else:
            missing.append(f"{group.name} ({why})")
    shown = [seen for seen in found if not seen.keeps_all]
    written: list[Block] = []
    if not found:
        return [Missing("No training recorded what its strategy kept at several moments.")]
    names = [name for name in found[0].maps if all(name in seen.maps for seen in found)]
    if shown and names:
        pictured = [name for name in names if photograph(view, name) is not None]
        written.append(_gallery(view, found, shown, (pictured or names)[:_PHOTOGRAPHS]))
    elif shown:
        written.append(Missing("The strategies looked at different photographs, so what they kept can't be set side by side."))
    else:
        written.append(Missing(f"Nothing was passed over at any moment by {_listed(found)}."))
    if missing:
        written.append(Missing(f"No record of moments of a training: {', '.join(missing)}."))
    return written


def _of_group(view: View, group: Group) -> tuple[Seen | None, str]:
    """Read the record of the first of a strategy's trainings that has one."""
    why = "no trial ran its full length"
    for trial in group.trials:
        try:
            arrays = images.read_arrays(view.trial_folder(trial.number) / MOMENTS_FILE, view.folder)
        except images.Unreadable as error:
            why = str(error)
            continue
        steps = arrays.pop("steps", np.zeros(0))
        if steps.ndim != 1 or not len(steps) or not np.isfinite(steps).all():
            why = f"{MOMENTS_FILE} holds no moments"
            continue
        chosen = np.unique(np.linspace(0, len(steps) - 1, _MOMENTS).round().astype(int))
        maps = {
            name.removeprefix(_PREFIX): np.where(np.isfinite(values), values.clip(0, 1), np.nan)[chosen]
            for name, values in arrays.items()
            if name.startswith(_PREFIX) and values.ndim == 3 and len(values) == len(steps) and np.isfinite(values).any()
        }
        if maps:
            return Seen(group, trial.number, tuple(int(step) for step in steps[chosen]), maps), ""
        why = f"{MOMENTS_FILE} holds no maps"
    return None, why


def _gallery(view: View, found: Sequence[Seen], shown: Sequence[Seen], names: Sequence[str]) -> Gallery:
    strips = []
    for name in names:
        picture = photograph(view, name, _SIDE)
        title = plain.line(name, 60)
        still = [_picture(seen, name, 0, picture, seen.group.name) for seen in shown if not seen.varies]
        first = [plain_picture(name, picture)] if picture is not None else []
        if first or still:
            strips.append(Strip(f"{title}, at every moment" if still else title, (*first, *still)))
        for seen in (seen for seen in shown if seen.varies):
            row = tuple(_picture(seen, name, i, picture, f"step {step:,}") for i, step in enumerate(seen.steps))
            strips.append(Strip(f"{title}: {seen.group.name}", row))
    trials = ", ".join(f"{seen.group.name}: trial {seen.trial}" for seen in shown)
    caption = (
        f"What each strategy keeps of training photographs at moments of one training ({trials}), in cells of {USAGE_CELL} pixels: "
        "0 or 1 where a rule drops or keeps, PatchNet's trainability t, of which only ratios inside a patch matter. Patches are "
        "restored by the network as it is at that moment. Grey: where no whole patch lies, or none was looked at."
    )
    everything = [seen for seen in found if seen.keeps_all]
    if everything:
        caption += f" Not shown, since nothing is passed over: {_listed(everything)}."
    scale = Picture(images.pack(images.bar(COLOURS)), 256, 12, "Colour scale from 0 to 1", "")
    return Gallery("moments", caption, tuple(strips), scale, ("0, dropped", "1, kept"))


def _picture(seen: Seen, name: str, moment: int, picture: images.Pixels | None, label: str) -> Picture:
    values = seen.maps[name][moment]
    known = values[np.isfinite(values)]
    kept = float(known.mean()) if known.size else 0.0
    alt = f"What {seen.group.name} keeps of {plain.line(name, 60)} at step {seen.steps[moment]:,}: {kept:.0%} on average."
    return overlay(values, 1.0, picture, alt, f"{label}: {kept:.0%}")


def _listed(found: Sequence[Seen]) -> str:
    return ", ".join(seen.group.name for seen in found)
