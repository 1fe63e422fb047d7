"""The plausible study with more to see: networks of several widths, two loss terms, patches that are counted, times of trials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plausible_study

from raysearch.results.record import ReportedPoint, RunRecord, TrialRecord

WIDTHS = (8, 16, 32, 64)
PATCHES = 1403


def spec() -> dict[str, object]:
    found = plausible_study.spec()
    trial = dict(found["trial"])  # type: ignore[call-overload]
    trial["model"] = {"kind": "deepjdd", "width": {"pow2": [8, 64]}, "depth": 5}
    return found | {"trial": trial}


def _facts(width: int, number: int) -> dict[str, object]:
    return {
        "parameters": 3000 + 45 * width**2,
        "macs_g": 0.002 * width**2,
        "macs_size": 128,
        "device": "cpu",
        "workers": 2,
        "patches": PATCHES,
        "peak_memory_mib": 300.0 + 9 * width + number % 3,
    }


def _point(point: ReportedPoint, gain: float, slower: float) -> ReportedPoint:
    metrics = dict(point.metrics)
    loss = metrics["loss"]
    metrics |= {"psnr": metrics["psnr"] + gain, "train_seconds": metrics["train_seconds"] * slower}
    metrics |= {"loss/l1": 0.9 * loss, "loss/tv": 0.1 * loss}
    return replace(point, metrics=metrics)


def varied(trial: TrialRecord) -> TrialRecord:
    """The trial with a width of its own, which is worth up to 0.3 dB and takes its time."""
    width = WIDTHS[(trial.number * 7) % 4] if trial.phase == "search" else 16 if trial.role == "baseline" else 32
    gain, slower = 0.1 * float(np.log2(width / 8)), 0.5 + width / 32 + 0.001 * (trial.number % 5)
    reports = tuple(_point(point, gain, slower) for point in trial.reports)
    return replace(
        trial,
        values=trial.values | {"model.width": width},
        config=trial.config | {"model": {"kind": "deepjdd", "width": width, "depth": 5}},
        facts=_facts(width, trial.number),  # type: ignore[arg-type]
        reports=reports,
        value=None if trial.value is None else reports[-1].metrics["psnr"],
        ended=trial.started + trial.seconds * slower + 5,
    )


def record(search: int = 40, **changes: int) -> RunRecord:
    """A finished run."""
    run = plausible_study.record("varied-demo", search=search, **changes)
    trials = tuple(map(varied, run.trials))
    return replace(run, spec=spec(), trials=trials, began=1.7e9, updated=max(trial.ended or 0.0 for trial in trials))
