"""Studies whose trials train nothing, so that what is left is what a study costs: for `raysearch.search.overhead` only.

The training functions report as `raysearch.train.loop.fit` does: every ``evaluate.every`` steps until ``steps``.
"""

from __future__ import annotations

import time

from raysearch.search.study import StudySpec
from raysearch.spec.trial import TrialConfig
from raysearch.train.files import TrialResult
from raysearch.train.reporter import Report, Reporter
from raysearch.train.state import TrialIO

EVERY = 10
"""Steps between two reports of an empty trial."""


def empty_study(trials: int, reports: int, concurrent: int) -> StudySpec:
    """Return a study whose trials need nothing but a training function of this module."""
    optimizer = {"kind": "adam", "lr": {"float": [1e-4, 1e-2], "log": True}}
    trial = {
        "data": "photos",
        "task": {"kind": "gaussian_denoise"},
        "model": {"kind": "dncnn", "depth": {"int": [3, 8]}},
        "sampler": "uniform",
        "recipe": {"kind": "supervised", "loss": "l2", "optimizer": optimizer, "schedule": "constant"},
        "steps": EVERY * reports,
        "evaluate": {"every": EVERY},
    }
    return StudySpec.from_data(
        {
            "name": "overhead",
            "searcher": {"kind": "tpe"},
            "scheduler": {"kind": "fifo"},
            "budget": {"trials": trials},
            "confirm": {"top": 0},
            "resources": {"concurrent": concurrent},
            "trial": trial,
        }
    )


PAUSE_S = 1.0
"""Seconds between two reports of `fit_slowly`."""


def quality(lr: float) -> float:
    """Return the objective that a rate gives."""
    return 20 + 1000 * lr


def fit(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Report at once."""
    return _reported(trial, reporter, 0.0)


def fit_slowly(trial: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Report once a second."""
    return _reported(trial, reporter, PAUSE_S)


def _reported(trial: TrialConfig, reporter: Reporter, pause_s: float) -> TrialResult:
    metrics = {"psnr": quality(float(trial.recipe.model_dump()["optimizer"]["lr"]))}
    for step in range(trial.evaluate.every, trial.steps + 1, trial.evaluate.every):
        time.sleep(pause_s)
        reporter.report(Report(step, trial.steps, dict(metrics)))
    return TrialResult("finished", trial.steps, metrics, 0.0, {})
