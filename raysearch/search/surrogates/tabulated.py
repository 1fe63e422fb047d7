"""A table of real trainings: tiny networks on four tasks, every configuration of a grid trained once by us, PSNR in dB.

Networks of 3,000 to 6,000 parameters, trained on crops of photographs for 27 intervals of 24 steps; the searched values are
learning rate, batch, patch, sampling strategy and schedule (216 configurations a task). The file was made with::

    python tests/benchmarks/tabulate_trainings.py --work FOLDER
    python tests/benchmarks/tabulate_trainings.py --work FOLDER --write raysearch/search/surrogates/tabulated.parquet

The 864 trainings took 31 minutes of one core. Measured, by task: PSNR of the best, of the best tenth and of the median
configuration in dB, and the rank correlation of rungs 1, 3 and 9 with the last. Real early rungs are worse than the formulas'.

================  =====  =====  =====  ====  ====  ====
demosaicking      30.84  29.56  26.56  0.75  0.80  0.90
noise, 25/255     28.51  27.81  22.45  0.30  0.62  0.89
JPEG, quality 10  26.92  26.53  26.41  0.42  0.29  0.45
enlarging by two  32.13  30.84  28.28  0.66  0.71  0.77
================  =====  =====  =====  ====  ====  ====

Decided here: PSNR is relative to the best configuration of the task (0 dB is the optimum); seconds are multiplied by 5,000, as if
networks and photographs were that much larger; there is no noise but that of training: a search that tries a configuration twice
gets the same answer twice. `Surface` is the demosaicking; ``tabulated:Denoise``, ``tabulated:Jpeg`` and
``tabulated:SuperResolution`` are the other tasks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq

from raysearch.search.surrogates.base import Course, Surrogate
from raysearch.spec.domains import Leaf

FILE = Path(__file__).with_name("tabulated.parquet")

_SLOWER = 5_000.0


class Surface(Surrogate):
    """Five parameters, 27 rungs; demosaicking."""

    template: ClassVar[dict[str, Any]] = {
        "lr": {"ordered": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2]},
        "batch": {"ordered": [2, 4, 8]},
        "patch": {"ordered": [16, 32]},
        "sampler": {"choice": ["uniform", "gradient", "hard_negative"]},
        "schedule": {"choice": ["constant", "cosine"]},
    }
    targets: ClassVar[tuple[float, ...]] = (-0.5, -0.2, -0.1)
    task: ClassVar[str] = "demosaic"

    def __init__(self) -> None:
        rows = pq.read_table(FILE, filters=[("task", "=", self.task)]).to_pylist()
        ends = [row["psnr"][-1] for row in rows if math.isfinite(row["psnr"][-1])]
        self._rows = {_key(row): (np.asarray(row["psnr"]) - max(ends), float(row["seconds"]) * _SLOWER) for row in rows}

    def course(self, values: Mapping[str, Leaf], seed: int) -> Course:
        """Look the configuration up."""
        curve, seconds = self._rows[_key(values)]
        return Course(curve, seconds, float(curve[-1]))


class Denoise(Surface):
    """The same, removing noise."""

    task: ClassVar[str] = "denoise"


class Jpeg(Surface):
    """The same, removing artefacts of JPEG."""

    task: ClassVar[str] = "jpeg"
    targets: ClassVar[tuple[float, ...]] = (-0.1, -0.05, -0.02)


class SuperResolution(Surface):
    """The same, enlarging by two."""

    task: ClassVar[str] = "super_resolution"


def _key(values: Mapping[str, Any]) -> tuple[Leaf, ...]:
    return tuple(values[name] for name in ("lr", "batch", "patch", "sampler", "schedule"))
