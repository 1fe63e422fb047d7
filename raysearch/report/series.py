"""Curves over training: the same statistic of several trials, thinned for drawing, with a band over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raysearch.report import plain
from raysearch.results.record import TrialRecord

POINTS = 200
"""A drawn curve has at most this many points."""


@dataclass(frozen=True)
class Curve:
    """A statistic against steps.

    Attributes:
        label: of the series.
        steps: optimisation steps, rising.
        mean: over the trials that report at that step; likewise ``low`` and ``high``, the least and the most.
        trials: how many trials went in.
    """

    label: str
    steps: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    trials: int


def curve(label: str, trials: Sequence[TrialRecord], metric: str) -> Curve | None:
    """Average a metric over trials at the steps that all of them report; None if there is none."""
    values: list[dict[int, float]] = []
    for trial in trials:
        points = {point.step: plain.number(point.metrics.get(metric)) for point in trial.reports}
        known = {step: value for step, value in points.items() if value is not None}
        if known:
            values.append(known)
    if not values:
        return None
    steps = sorted(set.intersection(*(set(known) for known in values)))
    if not steps:
        return None
    steps = _thinned(steps)
    table = np.asarray([[known[step] for step in steps] for known in values])
    mean, low, high = (tuple(float(v) for v in row) for row in (table.mean(axis=0), table.min(axis=0), table.max(axis=0)))
    return Curve(label, tuple(steps), mean, low, high, len(values))


def _thinned(steps: list[int]) -> list[int]:
    if len(steps) <= POINTS:
        return steps
    chosen = np.linspace(0, len(steps) - 1, POINTS).round().astype(int)
    return [steps[i] for i in dict.fromkeys(chosen.tolist())]
