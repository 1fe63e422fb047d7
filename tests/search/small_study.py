"""A study whose only searched value is the learning rate."""

from __future__ import annotations

from typing import Any

from raysearch.search.study import StudySpec

TRIAL: dict[str, Any] = {
    "data": "photos",
    "task": {"kind": "gaussian_denoise", "sigma_255": 25},
    "model": {"kind": "dncnn"},
    "sampler": "uniform",
    "recipe": {
        "kind": "supervised",
        "loss": "l2",
        "optimizer": {"kind": "adam", "lr": {"float": [1e-4, 1e-2], "log": True}},
        "schedule": "constant",
    },
    "steps": 40,
    "evaluate": {"every": 10},
}


def study(**parts: Any) -> StudySpec:
    """A study; ``lrs`` makes published values of learning rates, so that the order of quality is known."""
    lrs = parts.pop("lrs", ())
    published = [{"source": "test", "values": {"recipe.optimizer.lr": lr}} for lr in lrs]
    data: dict[str, Any] = {
        "name": "t",
        "searcher": "random",
        "scheduler": "fifo",
        "budget": {"trials": len(lrs) or 4},
        "confirm": {"top": 0},
        "published": published,
        "trial": TRIAL,
    }
    return StudySpec.from_data({**data, **parts})
