"""A study that never ran but looks as if it had: 12 search trials, 6 confirmation trials, 4 strategies, 3 test photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image
from plausible_trials import GAIN, STEPS, confirm_trial, search_trial

from raysearch.results.record import RunRecord, TrialRecord
from raysearch.train.files import IMAGES

PHOTOGRAPHS = (("photos", "astronaut", 27.1), ("photos", "chelsea", 30.4), ("photos", "coffee", 28.6))
PROTOCOL = "RGB, crop 8, float"
SPACE = """\
# Which patches should a demosaicing network be trained on?
#
# Budget: 12 trials of 800 steps on two cores, about five minutes.
# The PatchNet paper reports +0.2 dB over uniform sampling.
name: patchnet
title: "Patch sampling for joint demosaicing"
trial:
  sampler:
    one_of:
      - {kind: uniform}
      - {kind: gradient, keep: {float: [0.1, 0.9]}}
"""


def spec() -> dict[str, object]:
    return {
        "name": "patchnet",
        "title": "Patch sampling for joint demosaicing",
        "notes": "A study that never ran.",
        "question": "Does choosing training patches by their gradient, their error or a learned mask beat drawing them uniformly?",
        "objective": {"metric": "psnr", "mode": "max"},
        "searcher": {"kind": "tpe", "multivariate": True},
        "scheduler": {"kind": "asha", "grace_steps": 200},
        "budget": {"trials": 12, "minutes": None, "gpu_hours": None, "max_failed": 3},
        "seed": 7,
        "published": [{"source": "PatchNet, table 4", "values": {"sampler": "patchnet", "sampler.temperature": 0.5}}],
        "confirm": {"top": 1, "seeds": 3, "baseline": {"sampler": {"kind": "uniform"}}},
        "resources": {"workers": 1, "cpus_per_worker": 1, "gpus_per_worker": 0, "trainer": "auto", "concurrent": 2},
        "trial": {
            "data": {"kind": "photos"},
            "patch": {"size": 64},
            "task": {"kind": "demosaic", "pattern": "rggb"},
            "model": {"kind": "deepjdd", "width": 16, "depth": 5},
            "sampler": {
                "one_of": [
                    {"kind": "uniform"},
                    {"kind": "gradient", "keep": {"float": [0.1, 0.9]}},
                    {"kind": "hard_negative", "threshold_db": {"int": [24, 40], "step": 2}},
                    {"kind": "patchnet", "temperature": {"float": [0.1, 2.0], "log": True}},
                ]
            },
            "recipe": {"kind": "supervised", "optimizer": {"kind": "adam", "lr": {"float": [1e-4, 1e-2], "log": True}}},
            "batch": {"choice": [8, 16, 32]},
            "steps": STEPS,
            "seed": 0,
        },
    }


def environment() -> dict[str, object]:
    return {
        "versions": {"raysearch": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "ray": "2.60.0", "optuna": "5.0.0"},
        "hardware": {"cpu": "Two cores", "cpus": 2, "memory_gb": 16, "gpus": []},
        "git": {"commit": "0123456789abcdef", "dirty": False},
        "data": {
            "train": {"dataset": "photos", "photographs": 5, "patches": 1403, "digest": "9f2c11d0aa"},
            "test": {"dataset": "photos", "photographs": 3, "digest": "77aa01bc3e"},
        },
    }


def images(rows: list[tuple[object, ...]]) -> pa.Table:
    """An `images` table of rows (trial, split, dataset, image, level, protocol, psnr, ssim)."""
    schema = pa.schema([pa.field("trial", pa.int64(), nullable=False), *IMAGES])
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema)


def _image_rows(trial: TrialRecord, rng: np.random.Generator) -> list[tuple[object, ...]]:
    kind = str(trial.values["sampler"])
    rows: list[tuple[object, ...]] = []
    for position, (dataset, image, base) in enumerate(PHOTOGRAPHS):
        psnr = base + GAIN[kind] * (0.7 + 0.3 * position) + float(rng.normal(0, 0.04))
        rows.append((trial.number, "test", dataset, image, "noise-free", PROTOCOL, psnr, 0.55 + psnr / 90))
    return rows


def record(name: str = "patchnet-demo", seed: int = 0, search: int = 12, top: int = 1, seeds: int = 3) -> RunRecord:
    """A finished run."""
    rng = np.random.default_rng(seed)
    trials = [search_trial(number, rng) for number in range(search)]
    ranked = sorted(
        (t for t in trials if t.status == "finished" and t.values["sampler"] != "uniform"), key=lambda t: -(t.value or 0)
    )
    rows: list[tuple[object, ...]] = []
    for role in ["baseline", *(f"top{rank}" for rank in range(1, top + 1))]:
        best = ranked[0 if role == "baseline" else int(role[3:]) - 1]
        for position in range(seeds):
            trials.append(confirm_trial(len(trials), role, 9000 + position, best, rng))
            rows += _image_rows(trials[-1], rng)
    return RunRecord(
        name=name,
        space_text=SPACE,
        spec=spec(),
        environment=environment(),
        trials=tuple(trials),
        images=images(rows),
        ended={"search": "trials", "confirm": "trials"},
        drivers=1,
        commands=(("raysearch", "run", "search_spaces/patchnet.yaml"),),
        missing=(),
    )


def photograph(seed: int, height: int = 240, width: int = 320) -> np.ndarray:
    """A picture with smooth, edgy and busy parts; (height, width, 3) in [0, 1]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = 0.5 + 0.4 * np.sin(x / 37 + seed) * np.cos(y / 29)
    busy = ((np.sin(x * 1.3) * np.sin(y * 1.1) > 0) & (x > 0.55 * width) & (y > 0.4 * height)).astype(float)
    disc = ((x - 0.3 * width) ** 2 + (y - 0.5 * height) ** 2 < (0.22 * height) ** 2).astype(float)
    colour = np.stack([waves, 0.7 * waves + 0.3 * disc, 0.6 * busy + 0.4 * disc], axis=-1)
    return np.clip(colour + rng.normal(0, 0.01, colour.shape), 0, 1)


def _save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)).save(path)


def write_files(run: RunRecord, folder: Path) -> None:
    """The files of a run's folder that a report reads."""
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "importance.json").write_text(
        '{"method": "PED-ANOVA", "parameters": {"recipe.optimizer.lr": 0.61, "sampler": 0.31, "batch": 0.08}}'
    )
    for trial in run.trials:
        home = folder / "trials" / f"{trial.number:04d}"
        home.mkdir(parents=True, exist_ok=True)
        if trial.phase == "confirm":
            _write_samples(trial, home, rng)
        if trial.status == "finished":
            _write_usage(trial, home, rng)
            _write_moments(trial, home)
            _write_patches(trial, home, rng)


def _write_samples(trial: TrialRecord, home: Path, rng: np.random.Generator) -> None:
    strength = 0.05 if trial.role == "baseline" else 0.035
    for position, (dataset, image, _) in enumerate(PHOTOGRAPHS):
        clean = photograph(position)
        place = home / "samples" / dataset / "noise-free" / image
        _save(clean, place / "clean.png")
        _save(clean * np.array([1, 0.5, 0.6]), place / "input.png")
        _save(clean + rng.normal(0, strength, clean.shape) * (0.3 + clean[..., 2:3]), place / "restored.png")


def _write_usage(trial: TrialRecord, home: Path, rng: np.random.Generator) -> None:
    kind = str(trial.values["sampler"])
    maps = {}
    for position, name in enumerate(("motorcycle_left", "retina", "ihc")):
        busy = photograph(position)[::8, ::8, 2]
        power = {"uniform": 0.0, "gradient": 1.5, "hard_negative": 0.8, "patchnet": 1.0}[kind]
        maps[name] = (0.2 + busy**power * rng.uniform(0.9, 1.1, busy.shape)).astype(np.float32)
    np.savez(home / "usage.npz", **maps)
    for position, name in enumerate(("motorcycle_left", "retina")):
        _save(photograph(position), home / "usage_photographs" / f"{name}.png")


def _write_moments(trial: TrialRecord, home: Path) -> None:
    """What each strategy keeps of two photographs at four moments; uniform sampling keeps everything."""
    kind = str(trial.values["sampler"])
    maps = {}
    for position, name in enumerate(("motorcycle_left", "retina")):
        busy = photograph(position)[::8, ::8, 2]
        moments = {
            "uniform": [np.ones_like(busy)] * 4,
            "gradient": [(busy > 0.3).astype(float)] * 4,
            "hard_negative": [(busy > 0.2 * moment).astype(float) for moment in range(4)],
            "patchnet": [1 / (1 + np.exp(-2 * moment * (busy - 0.4))) for moment in range(4)],
        }[kind]
        stack = np.stack(moments).astype(np.float32)
        stack[:, -2:] = np.nan
        maps[f"maps/{name}"] = stack
    np.savez(home / "moments.npz", steps=np.arange(1, 5) * STEPS // 4, **maps)


def _write_patches(trial: TrialRecord, home: Path, rng: np.random.Generator) -> None:
    """A sample of 200 patches, of which the scores are the same in all trials."""
    kind = str(trial.values["sampler"])
    gradient = np.random.default_rng(5).lognormal(-6, 1.2, 200)
    kept = {
        "uniform": np.ones(200),
        "gradient": gradient > np.median(gradient),
        "hard_negative": np.minimum(1, gradient / np.quantile(gradient, 0.8)),
        "patchnet": gradient / (gradient + np.median(gradient)),
    }[kind]
    scores = {"gradient": gradient, "std": np.sqrt(gradient), "frequency": 0.2 * gradient**1.1, "kept": kept}
    loss = 0.1 * gradient * rng.lognormal(0, 0.3, 200)
    values = {name: np.asarray(one, np.float32) for name, one in (scores | {"loss": loss}).items()}
    np.savez(home / "patches.npz", rows=np.arange(200) * 7, **values)
