"""The table behind the surrogate `tabulated`: a full grid of trainings of tiny networks on four tasks, each done once.

What is trained: networks of 3,000 to 6,000 parameters on crops of scikit-image's photographs, in 27 intervals, through
`raysearch.train`, as any trial is. The crops are tiny and the trainings short: the table is for comparing searches, not networks.
Seconds are those of the process's own time on one core, so that other work on the machine does not enter.

It can be stopped at any time and goes on where it was::

    python tests/benchmarks/tabulate_trainings.py --work FOLDER                # about an hour; lines of JSON in FOLDER
    python tests/benchmarks/tabulate_trainings.py --work FOLDER --write raysearch/search/surrogates/tabulated.parquet
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import shutil
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from raysearch.errors import Diverged
from raysearch.spec.trial import TrialConfig
from raysearch.train.loop import fit
from raysearch.train.reporter import Report
from raysearch.train.state import TrialIO
from raysearch.train.world import SingleWorld

RUNGS, INTERVAL = 27, 24
DNCNN = {"kind": "dncnn", "norm": "none", "depth": 4, "width": 14}
TASKS: dict[str, tuple[object, object]] = {
    "denoise": ({"kind": "gaussian_denoise", "sigma_255": 25}, DNCNN),
    "demosaic": ("demosaic", DNCNN),
    "super_resolution": ("super_resolution", {"kind": "edsr", "blocks": 1, "width": 8}),
    "jpeg": ({"kind": "jpeg_deblock", "quality": 10, "evaluate_at": [10]}, DNCNN),
}
"""The degradation and the network of each task."""
SAMPLERS: dict[str, object] = {"hard_negative": {"kind": "hard_negative", "cell": 8, "threshold_db": 32.0}}
GRID: dict[str, tuple[object, ...]] = {
    "lr": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "batch": (2, 4, 8),
    "patch": (16, 32),
    "sampler": ("uniform", "gradient", "hard_negative"),
    "schedule": ("constant", "cosine"),
}
CROPS = {
    "train": [
        ("motorcycle_left.png", 200, 60),
        ("motorcycle_right.png", 420, 250),
        ("ihc.png", 150, 150),
        ("retina.jpg", 600, 500),
    ],
    "validation": [("rocket.jpg", 280, 150), ("astronaut.png", 170, 60), ("coffee.png", 250, 150), ("chelsea.png", 150, 90)],
}
"""Photograph, left and top of each crop; 128 x 128 pixels for training, 64 x 64 for validation."""


def write_crops(folder: Path) -> dict[str, Any]:
    """Cut the crops and return the corpus."""
    found = find_spec("skimage")
    assert found is not None
    assert found.origin is not None
    for split, crops in CROPS.items():
        side = 128 if split == "train" else 64
        (folder / split).mkdir(parents=True, exist_ok=True)
        for name, left, top in crops:
            with Image.open(Path(found.origin).parent / "data" / name) as photograph:
                crop = photograph.convert("RGB").crop((left, top, left + side, top + side))
            crop.save(folder / split / f"{Path(name).stem}.png")
    return {"kind": "folder", "train": str(folder / "train"), "validation": str(folder / "validation")}


def trial_of(task: str, values: dict[str, Any], corpus: dict[str, Any]) -> TrialConfig:
    """Return a cell's configuration."""
    degradation, network = TASKS[task]
    optimizer = {"kind": "adam", "lr": values["lr"]}
    schedule = {"kind": "constant"} if values["schedule"] == "constant" else {"kind": "cosine"}
    return TrialConfig.parse(
        {
            "data": corpus,
            "patch": {"size": values["patch"]},
            "task": degradation,
            "model": network,
            "sampler": SAMPLERS.get(values["sampler"], values["sampler"]),
            "recipe": {"kind": "supervised", "loss": "l1", "optimizer": optimizer, "schedule": schedule},
            "steps": RUNGS * INTERVAL,
            "batch": values["batch"],
            "evaluate": {"every": INTERVAL, "samples": 0},
            "precision": "float32",
        }
    )


class Curve:
    """Takes the reports: PSNR and the process's seconds at each."""

    def __init__(self) -> None:
        self.psnr: list[float] = []
        self.seconds: list[float] = []
        self._began = time.process_time()

    def report(self, report: Report) -> None:
        """Take a report."""
        self.psnr.append(report.metrics["psnr"])
        self.seconds.append(time.process_time() - self._began)


def measured(task: str, values: dict[str, Any], corpus: dict[str, Any], work: Path) -> dict[str, Any]:
    """Train a cell."""
    folder, curve = work / "trial", Curve()
    shutil.rmtree(folder, ignore_errors=True)
    io = TrialIO(folder, work / "cache", SingleWorld(), torch.device("cpu"), "validation")
    try:
        fit(trial_of(task, values, corpus), io, curve)
    except Diverged:
        curve.psnr += [math.nan] * (RUNGS - len(curve.psnr))
    seconds = curve.seconds[-1] / len(curve.seconds) if curve.seconds else 0.0
    return {"task": task, **values, "psnr": curve.psnr, "seconds": seconds}


def cells() -> list[tuple[str, dict[str, Any]]]:
    """Return the grid of all tasks in a shuffled order, so that a part of it is a fair one."""
    every = [(task, dict(zip(GRID, values, strict=True))) for task in TASKS for values in itertools.product(*GRID.values())]
    random.Random(0).shuffle(every)
    return every


def write_table(lines: list[dict[str, Any]], path: Path) -> None:
    """Write the Parquet file, sorted, so that the same numbers give the same file."""
    lines = sorted(lines, key=lambda line: [str(line[name]) for name in ("task", *GRID)])
    columns: dict[str, pa.Array] = {name: pa.array([line[name] for line in lines]) for name in ("task", *GRID)}
    columns["psnr"] = pa.array([line["psnr"] for line in lines], pa.list_(pa.float32()))
    columns["seconds"] = pa.array([line["seconds"] for line in lines], pa.float32())
    pq.write_table(pa.table(columns), path, compression="zstd")


def main() -> None:
    """Train what is missing, or write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True, help="Folder of the lines, the crops and the cache.")
    parser.add_argument("--write", type=Path, help="Write the table here instead of training.")
    parser.add_argument("--limit", type=int, help="Train at most so many cells.")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    file = given.work / "cells.jsonl"
    done = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    if given.write:
        return write_table(done, given.write)
    have = {json.dumps([line[name] for name in ("task", *GRID)]) for line in done}
    corpus = write_crops(given.work / "crops")
    missing = [(t, v) for t, v in cells() if json.dumps([t, *v.values()]) not in have]
    for task, values in missing[: given.limit]:
        line = measured(task, values, corpus, given.work)
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
        print(f"{task} {values}: {line['psnr'][-1]:.3f} dB, {RUNGS * line['seconds']:.1f} s", file=sys.stderr)
    return None


if __name__ == "__main__":
    main()
