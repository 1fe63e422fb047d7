"""A small run, as events and files, that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from raysearch.results.events import DriverStarted, Event, PhaseEnded, TrialEnded, TrialReported, TrialRetried, TrialStarted
from raysearch.train.files import IMAGES

NASTY = '=</script><script>alert(1)</script> \u2028 ß 漢字 \U0001f600 "quoted", \\ \x01 ../ \r\n'
SPEC: dict[str, object] = {
    "name": "tiny",
    "objective": {"metric": "psnr", "mode": "max"},
    "budget": {"trials": 4, "minutes": None},
    "confirm": {"top": 1, "seeds": 2},
    "resources": {"workers": 2, "gpus_per_worker": 0.5},
    "notes": NASTY,
}


def started(trial: int, time: float = 1.0, phase: str = "search", **values: object) -> TrialStarted:
    return TrialStarted.model_validate(
        {
            "time": time,
            "trial": trial,
            "phase": phase,
            "role": "suggested" if phase == "search" else "baseline",
            "source": None,
            "values": values,
            "config": {"model": {"kind": "dncnn"}},
            "seed": 2**62 + trial,
            "steps": 100,
        }
    )


def reported(trial: int, step: int, psnr: float, time: float = 2.0) -> TrialReported:
    return TrialReported(time=time, trial=trial, step=step, metrics={"psnr": psnr, "train_seconds": step / 10})


def ended(trial: int, value: float | None, status: str = "finished", time: float = 3.0, reason: str = "") -> TrialEnded:
    facts = {"parameters": 1000, "device": "cpu"} if status == "finished" else {}
    data = {
        "time": time,
        "trial": trial,
        "status": status,
        "step": 100,
        "value": value,
        "seconds": 12.0,
        "reason": reason,
        "facts": facts,
    }
    return TrialEnded.model_validate(data)


def story() -> list[Event]:
    """A run with every kind of trial, a retry that repeats a step, and an open end."""
    return [
        DriverStarted(time=100.0, attempt=0, command=("raysearch", "run", "x.yaml"), versions={"ray": "2.60.0"}, host="here"),
        started(0, 101.0, lr=1e-3, depth=17, **{"sampler": "uniform", "=cmd": True}),
        started(1, 101.0, lr=1e-4, depth=5, **{"sampler": "gradient", "sampler.gradient.keep": 0.5}),
        reported(0, 50, 28.0),
        reported(1, 50, 27.0),
        TrialRetried(time=103.0, trial=1, attempt=1, reason="killed"),
        reported(0, 100, 30.0),
        ended(0, 30.0),
        reported(1, 25, 26.0),
        reported(1, 50, 27.5),
        started(2, 104.0, lr=1, depth=5, sampler=NASTY),
        ended(2, None, "diverged", reason=NASTY),
        started(3, 105.0, lr=0.5, depth=6, sampler="+1"),
        reported(3, 50, 29.0, time=106.0),
    ]


def images(offset: float = 0.0, names: Sequence[str] = ("a.png", "b.png")) -> pa.Table:
    same = {"split": "test", "dataset": "photos", "level": "sigma 15", "protocol": "RGB", "ssim": 0.9}
    rows = [same | {"image": name, "psnr": 30.0 + offset + i} for i, name in enumerate(names)]
    return pa.Table.from_pylist(rows, schema=IMAGES)


def phase_ended(phase: str) -> PhaseEnded:
    return PhaseEnded.model_validate({"time": 200.0, "phase": phase, "reason": "trials"})
