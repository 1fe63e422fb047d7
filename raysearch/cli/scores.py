"""Evaluated images as lines of text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from raysearch.metrics.base import ALWAYS, metric
from raysearch.train.evaluate import ImageScore


def scores_text(scores: Mapping[str, float]) -> str:
    """Print metrics: ``27.123 dB  0.8123  GMSD 0.0511``."""
    others = [f"{metric(name).title} {value:.{metric(name).decimals}f}" for name, value in scores.items() if name not in ALWAYS]
    return "  ".join([f"{scores['psnr']:7.3f} dB", f"{scores['ssim']:.4f}", *others])


def lines_of(rows: Sequence[ImageScore]) -> Iterator[str]:
    """Print a line for each image and one for the mean, which is left out when an image was restored perfectly."""
    width = max(len(f"{row.dataset}/{row.image}") for row in rows)
    for row in rows:
        yield f"{row.dataset + '/' + row.image:<{width}}  {row.level:<12} {scores_text(row.scores)}"
    perfect = sum(math.isinf(row.psnr) for row in rows)
    if perfect:
        yield f"{perfect} perfect copies (infinite PSNR); no mean is shown"
        return
    means = {name: math.fsum(row.scores[name] for row in rows) / len(rows) for name in rows[0].scores}
    yield f"{'mean':<{width}}  {'':<12} {scores_text(means)}   ({rows[0].protocol}, {len(rows)} images)"


def plain(rows: Sequence[ImageScore]) -> list[dict[str, str | float]]:
    """Return rows as JSON data with one key for each metric; infinity is the text ``inf``."""
    flat = [{**{key: value for key, value in vars(row).items() if key != "scores"}, **row.scores} for row in rows]
    return [{key: "inf" if value == math.inf else value for key, value in row.items()} for row in flat]
