"""Evaluated images as lines of text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from raysearch.metrics.base import ALWAYS, metric
from raysearch.train.evaluate import ImageScore


def scores_text(scores: Mapping[str, float]) -> str:
    """Print metrics: ``27.123 dB  0.8123  GMSD 0.0511``; one that is not there is a dash."""
    shown = {name: f"{metric(name).title} {value:.{metric(name).decimals}f}" for name, value in scores.items()}
    psnr = f"{scores['psnr']:7.3f} dB" if "psnr" in scores else f"{'-':>7}   "
    ssim = f"{scores['ssim']:.4f}" if "ssim" in scores else f"{'-':>6}"
    return "  ".join([psnr, ssim, *(text for name, text in shown.items() if name not in ALWAYS)])


def lines_of(rows: Sequence[ImageScore]) -> Iterator[str]:
    """Print a line for each image; one for the mean of each set at each level, and of all where these are several.

    A metric with a value that can't be averaged (the infinite PSNR of a perfect copy) has no mean, and it is said why.
    """
    groups: dict[tuple[str, str], list[ImageScore]] = {}
    for row in rows:
        groups.setdefault((row.dataset, row.level), []).append(row)
    names = [f"{row.dataset}/{row.image}" for row in rows]
    width = max(map(len, [*names, *(f"mean of {dataset}" for dataset, _ in groups)]))
    levels = max(12, *(len(row.level) for row in rows))
    for name, row in zip(names, rows, strict=True):
        yield f"{name:<{width}}  {row.level:<{levels}} {scores_text(row.scores)}"
    for (dataset, level), own in groups.items():
        yield f"{f'mean of {dataset}':<{width}}  {level:<{levels}} {_mean(own)}"
    if len(groups) > 1:
        yield f"{'mean of all':<{width}}  {'':<{levels}} {_mean(rows)}"


def _mean(rows: Sequence[ImageScore]) -> str:
    means, notes = {}, []
    for name in rows[0].scores:
        values = [row.scores[name] for row in rows]
        perfect, missing = sum(value == math.inf for value in values), sum(math.isnan(value) for value in values)
        if perfect:
            notes.append(f"no mean of {metric(name).title}: {perfect} perfect {'copy' if perfect == 1 else 'copies'}")
        elif missing:
            notes.append(f"no mean of {metric(name).title}: {missing} image{'s' * (missing > 1)} without a value")
        else:
            means[name] = math.fsum(values) / len(values)
    return f"{scores_text(means)}   ({'; '.join([f'{rows[0].protocol}, {len(rows)} images', *notes])})"


def plain(rows: Sequence[ImageScore]) -> list[dict[str, str | float]]:
    """Return rows as JSON data with one key for each metric; infinity is the text ``inf``, and what is no number ``nan``."""
    flat = [{**{key: value for key, value in vars(row).items() if key != "scores"}, **row.scores} for row in rows]
    return [{key: _plain(value) for key, value in row.items()} for row in flat]


def _plain(value: str | float) -> str | float:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
