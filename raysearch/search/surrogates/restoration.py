"""A formula shaped like a search for a patch-sampling strategy, in dB.

Decided here, before any method was compared on it for the record: random configurations lie at 28.1 (median), 30.5 (best tenth),
31.4 (best hundredth) and 31.8 dB (best thousandth), the optimum at 32.5, and the rank correlation of rungs 1, 3 and 9 with the
last is 0.78, 0.92 and 0.99, much as in the measurements that this surface was made after (27.8, 30.4, 31.5, 31.9; 0.89 for the
third rung). The learning rate matters most and its best value grows with the batch; patches and batches have an optimum inside
their range; sampling strategies have keep ratios of their own; the temperature matters for one of them only. A rung's value lags
behind the last one's the more the slower the learning rate is, and is measured with a noise of 0.03 dB. A rung costs time in
proportion to the pixels of a batch, beside a fixed part; a full trial takes 4,300 s on average.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from raysearch.rng import seed_of
from raysearch.search.surrogates.base import Course, Surrogate
from raysearch.spec.domains import Leaf

BEST = 32.5
"""Noise-free optimum, dB."""

NOISE = 0.03
"""Standard deviation of a measurement, dB."""

STRATEGIES = {"uniform": (1.0, 1.0), "gradient": (0.35, 0.5), "patchnet": (0.0, 0.6), "hard_negative": (0.55, 0.35)}
"""Of each sampling strategy: its loss in dB over 1.1, and the keep ratio that suits it."""

LOSSES = {"l1": 0.0, "mix": 0.25, "charbonnier": 0.1, "l2": 0.45}
"""Of each training loss: what it costs in dB."""


class Surface(Surrogate):
    """Eight mixed parameters, 27 rungs, curves that do not cross for their patch size."""

    template: ClassVar[dict[str, Any]] = {
        "lr": {"float": [1e-5, 1e-2], "log": True},
        "patch": {"choice": [32, 48, 64, 96, 128]},
        "batch": {"choice": [4, 8, 16, 32]},
        "temperature": {"float": [0.5, 8.0], "log": True},
        "keep": {"float": [0.05, 1.0]},
        "sampler": {"choice": list(STRATEGIES)},
        "loss": {"choice": list(LOSSES)},
        "width": {"int": [8, 64]},
    }
    targets: ClassVar[tuple[float, ...]] = (31.0, 31.5, 32.0)
    best_patch: ClassVar[float] = 0.9
    """Doublings of 32 pixels after which patches are best."""
    slow_patches: ClassVar[float] = 0.0
    """What a doubling of the patch adds to the lag; in dB at the first, third and ninth rung: 6.2, 2.7 and 0.9 times this."""

    def course(self, values: Mapping[str, Leaf], seed: int) -> Course:
        """Return the curve, its noise and its cost."""
        v = Values.of(values)
        final = BEST - penalty(v, self.best_patch)
        lag = 0.4 + 0.95 * max(0.0, v.best_log_lr - v.log_lr) + 0.4 * v.width / 64 + self.slow_patches * v.patch_doublings
        rungs = np.arange(1, self.rungs + 1)
        curve = final - lag * ((self.rungs / rungs) ** 0.6 - 1)
        noise = np.random.default_rng(seed_of(seed, "noise")).normal(0.0, NOISE, self.rungs)
        return Course(curve + noise, seconds(v), float(final))


class Values:
    """The eight parameters in the form in which the formulas use them."""

    def __init__(self, lr: float, patch: float, batch: float, temperature: float, keep: float, width: float) -> None:
        self.log_lr = math.log10(lr)
        self.patch_doublings = math.log2(patch / 32)
        self.batch_doublings = math.log2(batch / 4)
        self.temperature, self.keep, self.width = temperature, keep, width
        self.pixels = patch**2 * batch
        self.best_log_lr = -3.3 + 0.15 * (self.batch_doublings - 1.5)
        self.sampler = ""
        self.loss = ""

    @staticmethod
    def of(values: Mapping[str, Leaf]) -> Values:
        """Take them from an assignment of the space."""
        numbers = {name: float(values[name] or 0) for name in ("lr", "patch", "batch", "temperature", "keep", "width")}
        found = Values(**numbers)
        found.sampler, found.loss = str(values["sampler"]), str(values["loss"])
        return found


def penalty(v: Values, best_patch: float) -> float:
    """Return how many dB a configuration stays below the optimum after its last rung."""
    off = (v.log_lr - v.best_log_lr) / 0.9
    strategy, keep = STRATEGIES[v.sampler]
    total: float = 2.4 * off**2 * (1.5 if off > 0 else 0.8)
    total += 0.6 * abs(v.patch_doublings - best_patch) ** 1.6 + 0.12 * abs(v.batch_doublings - 1) ** 1.5
    total += 1.3 * strategy + LOSSES[v.loss] + 2.4 * (math.log2(64 / v.width) / 3) ** 1.5
    if v.sampler != "uniform":
        total += 0.9 * math.log(v.keep / keep) ** 2
    if v.sampler == "patchnet":
        total += 0.9 * math.log(v.temperature / 2) ** 2
    return total


def seconds(v: Values) -> float:
    """Return what a rung costs."""
    return 40 + 113 * v.pixels / 92_000
