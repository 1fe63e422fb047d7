"""Test photographs with zoomed crops: input, baseline, winner and original, and where each is wrong.

Photographs are chosen by rule: largest gain, median, largest loss. In each, the window is the one where the absolute errors of
the baseline and of the winner differ the most, so it shows the difference and not the average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raysearch.report import images
from raysearch.report.document import Block, Gallery, Missing, Picture, Section, Strip
from raysearch.report.formats import PSNR, SSIM, plural, signed
from raysearch.report.sections.per_image import ImageRow, image_rows
from raysearch.report.view import Method, View
from raysearch.results.record import TrialRecord
from raysearch.train.files import SAMPLES, folder_name

_WINDOW = 56
_THUMBNAIL = 320
_COLOURS = "magma"


@dataclass(frozen=True)
class Shown:
    """One photograph to show: why it was chosen, its row, and its pixels by both methods (all of one size)."""

    reason: str
    row: ImageRow
    input: images.Pixels | None
    input_label: str
    clean: images.Pixels
    baseline: images.Pixels
    winner: images.Pixels

    @property
    def errors(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Absolute errors of the baseline and of the winner, means over channels: (height, width)."""
        return np.abs(self.baseline - self.clean).mean(axis=2), np.abs(self.winner - self.clean).mean(axis=2)

    @property
    def window(self) -> tuple[int, int, int, int]:
        """Where the two differ the most: x, y, width, height."""
        baseline, winner = self.errors
        return images.largest_window(np.abs(baseline - winner), _WINDOW)


def section(view: View) -> Section:
    """Write the section."""
    return Section("pictures", "Photographs", tuple(_blocks(view)))


def _blocks(view: View) -> list[Block]:
    winner, baseline = view.winner, view.baseline
    if winner is None or baseline is None:
        return [Missing("There are no confirmed restorations by the winner and by the baseline to show.")]
    ours, theirs = _pair(winner, baseline)
    shown, problems = _shown(view, ours, theirs, image_rows(view, winner, baseline))
    blocks: list[Block] = []
    if shown:
        top = max(float(np.quantile(_cut(error, one.window), 0.995)) for one in shown for error in one.errors)
        blocks += [_gallery(view, i, one, (ours, theirs), (winner, baseline), max(top, 1e-6)) for i, one in enumerate(shown)]
    elif not problems:
        problems.append("no sample image of both trials was found")
    if problems:
        blocks.append(Missing(f"Some photographs can't be shown: {'; '.join(dict.fromkeys(problems))}."))
    return blocks


def _pair(winner: Method, baseline: Method) -> tuple[TrialRecord, TrialRecord]:
    """Choose one trial of each: of the first seed that both have, else the first of each."""
    seeds = {trial.seed: trial for trial in baseline.trials}
    for trial in winner.trials:
        if trial.seed in seeds:
            return trial, seeds[trial.seed]
    return winner.trials[0], baseline.trials[0]


def _shown(view: View, ours: TrialRecord, theirs: TrialRecord, rows: Sequence[ImageRow]) -> tuple[list[Shown], list[str]]:
    """Read the photographs that the rule chooses among those that both trials kept."""
    problems: list[str] = []
    usable = [row for row in rows if np.isfinite(row.gain) and all(_home(view, t, row).is_dir() for t in (ours, theirs))]
    sign = 1 if view.metric.larger_is_better else -1
    ordered = sorted(usable, key=lambda row: (-sign * row.gain, row.image, row.place))
    if not ordered:
        return [], problems
    first, last = (_reason(sign * row.gain, best) for row, best in ((ordered[0], True), (ordered[-1], False)))
    chosen = {0: first}
    chosen.setdefault(len(ordered) - 1, last)
    chosen.setdefault(len(ordered) // 2, "Median")
    found = []
    for position in sorted(chosen):
        row = ordered[position]
        try:
            reason = f"{chosen[position]} of {plural(len(ordered), 'restoration')} kept by both trials"
            found.append(_read(view, reason, row, ours, theirs))
        except images.Unreadable as error:
            problems.append(f"{row.image}: {error}")
    return found, problems


def _reason(gain: float, best: bool) -> str:
    if gain == 0:
        return "No difference"
    return f"{'Largest' if best == (gain > 0) else 'Smallest'} {'gain' if gain > 0 else 'loss'}"


def _home(view: View, trial: TrialRecord, row: ImageRow) -> Path:
    parts = map(folder_name, (row.place.dataset, row.place.level, row.image))
    return view.trial_folder(trial.number).joinpath(SAMPLES, *parts)


def _read(view: View, reason: str, row: ImageRow, ours: TrialRecord, theirs: TrialRecord) -> Shown:
    home, other = _home(view, ours, row), _home(view, theirs, row)
    clean = images.read(home / "clean.png", view.folder)
    restored = images.read(home / "restored.png", view.folder)
    reference = images.read(other / "restored.png", view.folder)
    if not clean.shape == restored.shape == reference.shape:
        raise images.Unreadable("the restorations differ in size from the original")
    given: images.Pixels | None = images.read(home / "input.png", view.folder)
    label = "input"
    if given is not None and given.shape != clean.shape:
        label = f"input ({given.shape[1]} x {given.shape[0]} pixels, repeated)"
        given = _enlarged(given, clean.shape[0], clean.shape[1])
    return Shown(reason, row, given, label, clean, reference, restored)


def _enlarged(pixels: images.Pixels, height: int, width: int) -> images.Pixels | None:
    """Repeat the pixels of a smaller input; None if it is no whole fraction of the original's size."""
    factor = height // pixels.shape[0]
    if factor < 1 or (pixels.shape[0] * factor, pixels.shape[1] * factor) != (height, width):
        return None
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _cut(values: NDArray[np.float64], window: tuple[int, int, int, int]) -> NDArray[np.float64]:
    x, y, width, height = window
    return values[y : y + height, x : x + width]


def _gallery(
    view: View, number: int, one: Shown, trials: tuple[TrialRecord, TrialRecord], methods: tuple[Method, Method], top: float
) -> Gallery:
    window = one.window
    errors = one.errors
    scores = [_scores(view, trial, one.row) for trial in trials]
    thumbnail = images.shrink(one.clean, _THUMBNAIL)
    scale = thumbnail.shape[1] / one.clean.shape[1]
    x, y, width, height = (round(value * scale) for value in window)
    box = (x, y, max(width, 3), max(height, 3))
    whole = Picture(
        images.pack(thumbnail, 256),
        thumbnail.shape[1],
        thumbnail.shape[0],
        f"The photograph {one.row.image}; a frame marks the enlarged window.",
        "original, whole",
        box,
        sharp=False,
    )
    crops = [_crop(one.input, window, "Input", one.input_label)] if one.input is not None else []
    crops.append(_crop(one.baseline, window, f"Restored by {methods[1].title}", f"{methods[1].short_title} {scores[1]}"))
    crops.append(_crop(one.winner, window, f"Restored by {methods[0].title}", f"{methods[0].short_title} {scores[0]}"))
    crops.append(_crop(one.clean, window, "Original", "original"))
    maps = [_error(error, window, method, top) for error, method in zip(errors, methods[::-1], strict=True)]
    gain = " ".join(part for part in (signed(one.row.gain, view.metric.decimals), view.metric.unit) if part)
    caption = (
        f"{one.reason}: {one.row.image} ({one.row.place.title}), {gain} on average over seeds. Window of {window[2]} "
        f"by {window[3]} pixels where the two errors differ the most, enlarged by repeating pixels; labels give PSNR / SSIM of the "
        f"whole photograph ({one.row.place.protocol}), trials {trials[1].number} and {trials[0].number}."
    )
    bar = Picture(images.pack(images.bar(_COLOURS)), 256, 12, f"Colour scale of absolute errors from 0 to {top:.3f}", "")
    first = Strip("The photograph and its window", (whole, *crops))
    strips = (first, Strip("Absolute errors in the window", tuple(maps), len(crops) - 2))
    return Gallery(f"crops-{number}", caption, strips, bar, ("0", f"{top:.3f} (of 1)"))


def _scores(view: View, trial: TrialRecord, row: ImageRow) -> str:
    psnr = view.scores.value(trial.number, row.place, row.image, "psnr")
    ssim = view.scores.value(trial.number, row.place, row.image, "ssim")
    return f"{PSNR.show(psnr)} / {SSIM.show(ssim)}"


def _crop(pixels: images.Pixels, window: tuple[int, int, int, int], what: str, label: str) -> Picture:
    return Picture(images.pack(_cut(pixels, window)), window[2], window[3], f"{what}, enlarged window", label)


def _error(error: NDArray[np.float64], window: tuple[int, int, int, int], method: Method, top: float) -> Picture:
    part = _cut(error, window)
    alt = f"Error map of {method.title}; mean absolute error in the window {float(part.mean()):.4f}"
    return Picture(
        images.pack(images.colour(part, 0.0, top, _COLOURS)), window[2], window[3], alt, f"error of {method.short_title}"
    )
