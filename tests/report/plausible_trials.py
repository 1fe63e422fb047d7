"""Trials of a study that never ran: their settings, their curves and how they ended."""

from __future__ import annotations

import numpy as np

from raysearch.results.record import ReportedPoint, TrialRecord

SAMPLERS = ("uniform", "gradient", "hard_negative", "patchnet")
GAIN = {"uniform": 0.0, "gradient": 0.42, "hard_negative": 0.21, "patchnet": 0.33}
STEPS = 800


def config(values: dict[str, object], seed: int) -> dict[str, object]:
    kind = str(values["sampler"])
    sampler = {"kind": kind} | {str(key).rpartition(".")[2]: value for key, value in values.items() if key.startswith("sampler.")}
    return {
        "data": {"kind": "photos"},
        "patch": {"size": 64, "stride": None},
        "task": {"kind": "demosaic", "pattern": "rggb"},
        "model": {"kind": "deepjdd", "width": 16, "depth": 5},
        "sampler": sampler,
        "recipe": {"kind": "supervised", "optimizer": {"kind": "adam", "lr": values["recipe.optimizer.lr"]}},
        "evaluate": {"every": 100, "protocol": {"space": "rgb", "crop": 8, "quantize": False}},
        "batch": values["batch"],
        "steps": STEPS,
        "seed": seed,
    }


def _values(kind: str, rng: np.random.Generator) -> dict[str, object]:
    values: dict[str, object] = {"sampler": kind}
    if kind == "gradient":
        values["sampler.gradient.keep"] = round(float(rng.uniform(0.1, 0.9)), 3)
    if kind == "hard_negative":
        values["sampler.hard_negative.threshold_db"] = int(rng.integers(12, 21) * 2)
    if kind == "patchnet":
        values["sampler.patchnet.temperature"] = round(float(np.exp(rng.uniform(np.log(0.1), np.log(2.0)))), 3)
    values["recipe.optimizer.lr"] = float(f"{np.exp(rng.uniform(np.log(1e-4), np.log(1e-2))):.3g}")
    values["batch"] = int(rng.choice([8, 16, 32]))
    return values


def _sampler_statistics(kind: str, progress: float) -> dict[str, float]:
    if kind == "gradient":
        return {"sampler/kept_fraction": 0.5}
    if kind == "hard_negative":
        return {
            "sampler/kept_fraction": 0.9 - 0.5 * progress,
            "sampler/threshold_db": 26 + 8 * progress,
            "sampler/spearman": 0.6 + 0.2 * progress,
        }
    if kind == "patchnet":
        return {"sampler/mean_t": 0.5 - 0.18 * progress, "sampler/kept_fraction": 0.48, "sampler/spearman": 0.7 * progress}
    return {}


def _reports(kind: str, final: float, until: int, rng: np.random.Generator) -> tuple[ReportedPoint, ...]:
    points = []
    for step in range(100, until + 1, 100):
        progress = step / STEPS
        psnr = final - 6.0 * (1 - progress) ** 2 + rng.normal(0, 0.04)
        metrics = {"psnr": psnr, "ssim": 0.6 + psnr / 100, "loss": 0.08 * np.exp(-2 * progress), "lr": 1e-3 * (1 - progress)}
        metrics |= {"patches_per_second": 410.0, "train_seconds": 0.02 * step, "pixels_seen": 16 * 64 * 64 * step}
        metrics |= _sampler_statistics(kind, progress)
        points.append(ReportedPoint(step, {key: float(value) for key, value in metrics.items()}, 1.7e9 + step))
    return tuple(points)


def search_trial(number: int, rng: np.random.Generator) -> TrialRecord:
    kind = SAMPLERS[number % 4]
    values = _values(kind, rng)
    if number == 3:
        values["sampler.patchnet.temperature"] = 0.5
    rate = float(str(values["recipe.optimizer.lr"]))
    final = 28.6 + GAIN[kind] - 0.35 * abs(np.log10(rate) + 3) + float(rng.normal(0, 0.05))
    status, until, reason = "finished", STEPS, ""
    if number in (4, 9):
        status, until = "stopped", 200
    if number == 6:
        status, until, reason = "diverged", 100, "loss l1 is not finite at step 143"
    if number == 11:
        status, until, reason = "failed", 100, "worker was killed (signal 9) three times"
    reports = _reports(kind, final, until, rng)
    ended = status in ("finished", "stopped")
    return TrialRecord(
        number=number,
        phase="search",
        role="published" if number == 3 else "suggested",
        source=None,
        values=values,
        config=config(values, 1000 + number),
        seed=1000 + number,
        steps=STEPS,
        status=status,
        step=until,
        value=reports[-1].metrics["psnr"] if ended else None,
        seconds=0.02 * until + 2.0,
        reason=reason,
        retries=1 if number == 2 else 0,
        facts={"parameters": 31_283, "macs_g": 0.51, "macs_size": 128, "device": "cpu", "workers": 1},
        reports=reports,
        started=1.7e9 + 30 * number,
    )


def confirm_trial(number: int, role: str, seed: int, best: TrialRecord, rng: np.random.Generator) -> TrialRecord:
    values = dict(best.values)
    if role == "baseline":
        values = {"sampler": "uniform", "recipe.optimizer.lr": best.values["recipe.optimizer.lr"], "batch": best.values["batch"]}
    kind = str(values["sampler"])
    reports = _reports(kind, 28.4 + GAIN[kind] + float(rng.normal(0, 0.05)), STEPS, rng)
    return TrialRecord(
        number=number,
        phase="confirm",
        role=role,
        source=best.number,
        values=values,
        config=config(values, seed),
        seed=seed,
        steps=STEPS,
        status="finished",
        step=STEPS,
        value=reports[-1].metrics["psnr"],
        seconds=19.0,
        reason="",
        retries=0,
        facts={"parameters": 31_283, "macs_g": 0.51, "macs_size": 128, "device": "cpu", "workers": 1},
        reports=reports,
        started=1.7e9 + 30 * number,
    )
