"""Comparisons of plausible runs, and what they are computed again from."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from scipy import stats

from raysearch.report.contrasts import Contrasts, contrasts
from raysearch.report.sides import sides_by, sides_of_runs
from raysearch.report.view import View, view
from raysearch.results.record import ReportedPoint, RunRecord, TrialRecord

NOWHERE = Path("nowhere")
DATA = {
    split: {"split": split, "dataset": "photos", "digest": f"{i}" * 64}
    for i, split in enumerate(("train", "validation", "test"), 1)
}


def seen(record: RunRecord, prefix: str = "r1") -> View:
    return view(record, NOWHERE, prefix)


def compared(*records: RunRecord, **options: object) -> Contrasts:
    views = [seen(record, f"r{i}") for i, record in enumerate(records)]
    return contrasts(sides_of_runs(views), **options)  # type: ignore[arg-type]


def by(path: str, *records: RunRecord, **options: object) -> Contrasts:
    phase = options.pop("phase", None)
    views = [seen(record, f"r{i}") for i, record in enumerate(records)]
    return contrasts(sides_by(views, path, phase), path, **options)  # type: ignore[arg-type]


def psnr(record: RunRecord, role: str) -> np.ndarray:
    """(seeds, photographs), seeds ascending."""
    trials = sorted((t for t in record.trials if t.role == role), key=lambda t: t.seed)
    rows = [record.images.filter(pc.equal(record.images["trial"], t.number)).sort_by("image")["psnr"].to_pylist() for t in trials]
    return np.array(rows)


def crossed(d: np.ndarray) -> tuple[float, float, float]:
    """Error, degrees of freedom and p of the mean of a table with random rows and columns, where both effects show."""
    seeds, images = d.shape
    of_image, of_seed = seeds * np.var(d.mean(0), ddof=1), images * np.var(d.mean(1), ddof=1)
    rest = ((d - d.mean(0) - d.mean(1)[:, None] + d.mean()) ** 2).sum() / ((seeds - 1) * (images - 1))
    if of_image > rest and of_seed > rest:
        square = of_image + of_seed - rest
        freedom = square**2 / (of_image**2 / (images - 1) + of_seed**2 / (seeds - 1) + rest**2 / (images - 1) / (seeds - 1))
    elif max(of_image, of_seed) > rest:
        square, freedom = (of_image, images - 1) if of_image > rest else (of_seed, seeds - 1)
    else:
        square, freedom = np.var(d, ddof=1), d.size - 1
    error = math.sqrt(square / d.size)
    return error, freedom, float(2 * stats.t.sf(abs(d.mean()) / error, freedom))


def longer(record: RunRecord, factor: int = 2) -> RunRecord:
    """The run with confirmation trials that went on, at the value that they had."""

    def more(trial: TrialRecord) -> TrialRecord:
        last = trial.reports[-1]
        added = []
        for step in range(900, 800 * factor + 1, 100):
            spent = {"pixels_seen": 16 * 64 * 64 * step, "train_seconds": 0.02 * step, "psnr": last.metrics["psnr"] + step / 1000}
            added.append(ReportedPoint(step, last.metrics | spent, last.time + step))
        return replace(trial, reports=(*trial.reports, *added), step=800 * factor, steps=800 * factor)

    return replace(record, trials=tuple(more(t) if t.phase == "confirm" else t for t in record.trials))
