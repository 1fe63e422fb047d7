"""Histograms of the training patches: gradient, deviation, high frequencies, loss, and which of them each strategy keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from raysearch.report import images, plain, svg
from raysearch.report.document import Block, Cell, Column, Figure, Missing, Table
from raysearch.report.formats import count, fixed, plural, short
from raysearch.report.groups import Group, groups
from raysearch.report.view import View
from raysearch.train.files import PATCHES_FILE

BINS = 20
"""Bars of a histogram, evenly spaced in the logarithm."""

SCORES = {"gradient": "mean squared gradient", "std": "standard deviation", "frequency": "high frequencies"}
"""What the static scores are called on an axis."""

_LOSS = "loss"
_ALL = "all patches"
_MOST = 100_000
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """What was recorded of the sample of training patches, by the trainings of one strategy.

    Attributes:
        group: the strategy.
        trials: how many trainings.
        rows: numbers of the patches.
        scores: of each patch, by name.
        kept: of each patch, from 0 to 1, the mean over trainings.
        losses: of each patch, one row a training; None where none was recorded.
    """

    group: Group
    trials: int
    rows: Numbers
    scores: Mapping[str, Numbers]
    kept: Numbers
    losses: Numbers | None

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is passed over."""
        return bool((self.kept == 1).all())


@dataclass(frozen=True)
class Line:
    """A histogram: which share of all patches lies in each bar, in percent."""

    label: str
    look: int
    shares: Numbers


def blocks(view: View) -> list[Block]:
    """Write the figures, and what is missing from them."""
    found: list[Sample] = []
    missing: list[str] = []
    for group in groups(view):
        sample, why = _of_group(view, group)
        if sample is None:
            missing.append(f"{group.name} ({why})")
        elif found and not np.array_equal(sample.rows, found[0].rows):
            missing.append(f"{group.name} (its sample holds other patches)")
        else:
            found.append(sample)
    if not found:
        return [Missing("No training recorded scores of its patches, so there are no histograms.")]
    written: list[Block] = [_static(view, found)]
    with_loss = [sample for sample in found if sample.losses is not None]
    if with_loss:
        written.append(_losses(view, with_loss))
    if missing:
        written.append(Missing(f"No scores of training patches: {', '.join(missing)}."))
    return written


def _of_group(view: View, group: Group) -> tuple[Sample | None, str]:
    """Read the samples of a strategy's trainings; those of other patches than the first are left out."""
    why = "no trial ran its full length"
    read: list[dict[str, Numbers]] = []
    for trial in group.trials:
        try:
            arrays = images.read_arrays(view.trial_folder(trial.number) / PATCHES_FILE, view.folder)
        except images.Unreadable as error:
            why = str(error)
            continue
        if _is_sound(arrays):
            read.append(arrays)
        else:
            why = f"{PATCHES_FILE} holds something else"
    read = [one for one in read if np.array_equal(one["rows"], read[0]["rows"])]
    if not read:
        return None, why
    losses = [one[_LOSS] for one in read if _LOSS in one]
    return (
        Sample(
            group,
            len(read),
            read[0]["rows"],
            {name: read[0][name] for name in SCORES},
            np.mean([one["kept"] for one in read], axis=0).clip(0, 1),
            np.stack(losses) if losses else None,
        ),
        "",
    )


def _is_sound(arrays: Mapping[str, Numbers]) -> bool:
    names = {"rows", "kept", *SCORES}
    length = arrays["rows"].size if "rows" in arrays else 0
    chosen = [values for name, values in arrays.items() if name in names or name == _LOSS]
    return names <= arrays.keys() and 0 < length <= _MOST and all(v.shape == (length,) and np.isfinite(v).all() for v in chosen)


def edges_of(values: Numbers) -> Numbers:
    """Space bars evenly in the logarithm between the least value above zero and the largest: (`BINS` + 1,)."""
    positive = values[values > 0]
    low, high = (float(positive.min()), float(positive.max())) if positive.size else (0.5, 1.0)
    return np.geomspace(low, high if high > low else 2 * low, BINS + 1)


def shares_of(values: Numbers, weights: Numbers, edges: Numbers) -> Numbers:
    """Return how much of all patches lies in each bar, weighed, in percent; what lies beyond the ends counts in the last bars."""
    counts, _ = np.histogram(values.clip(edges[0], edges[-1]), edges, weights=weights)
    return np.asarray(100 * counts / len(values), dtype=np.float64)


def _static(view: View, found: Sequence[Sample]) -> Figure:
    first = found[0]
    choosy = [(i, sample) for i, sample in enumerate(found) if not sample.keeps_all]
    panels, rows = [], []
    for name, title in SCORES.items():
        values = first.scores[name]
        edges = edges_of(values)
        lines = [Line(sample.group.name, i, shares_of(values, sample.kept, edges)) for i, sample in choosy]
        whole = shares_of(values, np.ones(len(values)), edges)
        kept = [f"{sample.group.name} keeps {_mean_ratio(values, sample.kept)}" for _, sample in choosy]
        words = "; ".join([f"Half of the patches lie below {short(float(np.median(values)))}", *kept])
        panels.append(_panel(view, f"patches-{name}", title, edges, whole, lines, f"{words}."))
        rows += _rows(title, edges, [Line(_ALL, -1, whole), *lines])
    labels = [_ALL, *(sample.group.name for _, sample in choosy)]
    everything = ", ".join(sample.group.name for sample in found if sample.keeps_all)
    caption = (
        f"Scores of {count(len(first.rows))} training patches, spread evenly over all of them: the area is all patches, lines are "
        "what a strategy keeps of them at the end of the training (PatchNet: its mean trainability in the patch, of which only "
        "ratios inside a patch matter). Bars are evenly spaced in the logarithm; patches without any contrast count in the first."
    )
    if everything:
        caption += f" {everything[:1].upper()}{everything[1:]} passes over nothing."
    return Figure("patch-scores", caption, tuple(panels), _data("patch-scores-data", labels, rows), small=True)


def _mean_ratio(values: Numbers, kept: Numbers) -> str:
    total = float(kept.sum())
    if total <= 0:
        return "nothing"
    ratio = float((values * kept).sum() / total / max(values.mean(), 1e-30))
    return f"{float(kept.mean()):.0%}, whose mean is {short(ratio)} times that of all"


def _losses(view: View, found: Sequence[Sample]) -> Figure:
    every = np.concatenate([sample.losses.ravel() for sample in found if sample.losses is not None])
    edges = edges_of(every)
    lines, words = [], []
    for i, sample in enumerate(found):
        if sample.losses is None:
            continue
        shares = np.mean([shares_of(losses, np.ones(len(losses)), edges) for losses in sample.losses], axis=0)
        lines.append(Line(sample.group.name, i, shares))
        hardest = np.mean([_share_of_hardest(losses) for losses in sample.losses])
        words.append(
            f"{sample.group.name}: half below {short(float(np.median(sample.losses)))}, the hardest tenth has {hardest:.0%}"
        )
    drawing = _panel(
        view, "patch-losses", "mean squared error after training", edges, None, lines, f"{'; '.join(words)}.", width=440, height=300
    )
    which = ", ".join(f"{sample.group.name}: {plural(sample.trials, 'training')}" for sample in found)
    caption = (
        f"Loss of the same training patches after training ({which}; means over trainings), for each patch the mean squared error "
        f"on the [0, 1] scale, not clipped. The hardest tenth of the patches has this part of all error: {_hardest(found)}."
    )
    data = _data("patch-losses-data", [line.label for line in lines], _rows("loss", edges, lines))
    return Figure("patch-losses", caption, (drawing,), data)


def _share_of_hardest(losses: Numbers) -> float:
    ordered = np.sort(losses)[::-1]
    return float(ordered[: max(1, len(ordered) // 10)].sum() / max(ordered.sum(), 1e-30))


def _hardest(found: Sequence[Sample]) -> str:
    said = []
    for sample in found:
        if sample.losses is not None:
            said.append(f"{sample.group.name} {np.mean([_share_of_hardest(losses) for losses in sample.losses]):.0%}")
    return ", ".join(said)


def _panel(
    view: View,
    name: str,
    title: str,
    edges: Numbers,
    whole: Numbers | None,
    lines: Sequence[Line],
    words: str,
    width: int = 300,
    height: int = 260,
) -> svg.Drawing:
    def paint(axes: Axes) -> None:
        if whole is not None:
            axes.stairs(whole, edges, fill=True, color=svg.GRID, label=f"\u200a{_ALL}")
        for line in lines:
            look = line.look % len(svg.SERIES)
            middle = np.sqrt(edges[1:] * edges[:-1])
            axes.plot(
                middle,
                line.shares,
                color=svg.SERIES[look],
                linestyle=svg.DASHES[look],
                marker=svg.MARKERS[look],
                markevery=(look % 4, 4),
                label=f"\u200a{plain.line(line.label, 40)}",
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(bottom=0)
        axes.set_xlabel(title)
        axes.set_ylabel("share of the patches, %")
        if whole is not None or lines:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=1 if width < 400 else 2)

    return svg.panel(f"{view.prefix}-{name}", title, words, paint, width=width, height=height + 15 * len(lines))


def _rows(score: str, edges: Numbers, lines: Sequence[Line]) -> list[tuple[Cell, ...]]:
    """List the bars of a histogram: score, ends, and what each line has there."""
    shares = np.stack([line.shares for line in lines], axis=1)
    return [
        (
            Cell(score),
            Cell(short(float(low)), float(low)),
            Cell(short(float(high)), float(high)),
            *(Cell(fixed(float(share), 2), float(share)) for share in row),
        )
        for low, high, row in zip(edges[:-1], edges[1:], shares, strict=True)
    ]


def _data(name: str, labels: Sequence[str], rows: Sequence[tuple[Cell, ...]]) -> Table:
    columns = (Column("Score", align="text"), Column("From"), Column("To"), *(Column(label) for label in labels))
    return Table(name, "Numbers of the figure: how much of all patches lies there, in percent.", columns, tuple(rows))
