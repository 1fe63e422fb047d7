"""Numbers as the page prints them, and the same computed from a record by another path."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from scipy import stats

from raysearch.results.record import RunRecord

NAMES = ("astronaut", "chelsea", "coffee")


def tables(page: Path) -> dict[str, dict[str, list[list[str]]]]:
    found = re.search(r'id="raysearch-data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found[1])["runs"][0]["tables"]


def values(run: RunRecord, role: str, metric: str) -> np.ndarray:
    """(seeds, images)."""
    rows = []
    for trial in run.trials:
        if trial.role == role:
            mine = run.images.filter(pc.equal(run.images["trial"], trial.number)).to_pylist()
            rows.append([next(row[metric] for row in mine if row["image"] == name) for name in NAMES])
    return np.array(rows)


def interval(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float, float]:
    """Random effects of images and seeds on the differences: mean squares by sums over cells, t with Satterthwaite's freedom."""
    d = a - b
    seeds, images = d.shape
    of_image = seeds * np.var(d.mean(0), ddof=1)
    of_seed = images * np.var(d.mean(1), ddof=1)
    rest = ((d - d.mean(0) - d.mean(1)[:, None] + d.mean()) ** 2).sum() / ((seeds - 1) * (images - 1))
    if of_image > rest and of_seed > rest:
        square = of_image + of_seed - rest
        parts = (of_image**2 / (images - 1), of_seed**2 / (seeds - 1), rest**2 / (images - 1) / (seeds - 1))
        freedom = square**2 / sum(parts)
    elif max(of_image, of_seed) > rest:
        square, freedom = (of_image, images - 1) if of_image > rest else (of_seed, seeds - 1)
    else:
        square, freedom = np.var(d, ddof=1), d.size - 1
    error = math.sqrt(square / d.size)
    low, high = stats.t.interval(0.95, freedom, loc=d.mean(), scale=error)
    return float(d.mean()), float(low), float(high), float(2 * stats.t.sf(abs(d.mean()) / error, freedom))


def minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def star(p: float) -> str:
    return "*" * sum(p < limit for limit in (0.05, 0.01, 0.001))
