"""Whether early reports predict how trials end: the rank correlation between a step and the full length, with its interval.

Stopping trials early is right only as far as this holds, and it need not: large patches and low learning rates start slower and
may end better. It can be measured only on trials that nobody selected, since among those that a scheduler let through the order
is mostly noise. So some trials, the *controls*, run their full length whatever happens: numbers 0, 7, 15, 31, 63, ..., each one
below a power of two. They are dense where something is to be learned and cost little later; no random state decides. Trials 1 and 3
are none: early on, a slow trial that nobody needs costs most (without them the same end, 17 % sooner at 31.5 dB, over 40 searches).

A step counts as misleading when even the upper end of its 68 % interval lies below 0.7: the benefit of the doubt is with early
stopping, which saves more than a few wrong verdicts cost (``reports/search_bench.md``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from raysearch.results.record import TrialRecord
from raysearch.results.statistics import Correlation, spearman

LEAST = 0.7
"""The rank correlation that a step must reach, as far as is known, to predict the end."""

_DOUBT = 0.68

Value = TypeVar("Value")


@dataclass(frozen=True)
class Agreement:
    """How well a step predicts the full length.

    Attributes:
        step: optimisation steps; a trial counts with its first report at or after it.
        correlation: Spearman's with its 95 % interval, over trials that ran their full length without having been selected.
        ceiling: upper end of its 68 % interval; NaN below four trials.
    """

    step: int
    correlation: Correlation
    ceiling: float

    @property
    def misleads(self) -> bool:
        """Whether the step is known to predict the end badly."""
        return self.ceiling < LEAST


def is_control(trial: int) -> bool:
    """Return whether a trial runs its full length whatever happens: 0, and from 7 on those one below a power of two."""
    return trial == 0 or (trial >= 7 and (trial + 1) & trial == 0)


def at_step(points: Mapping[int, Value], step: int) -> Value | None:
    """Return the value of the first report at or after a step; ``points`` maps steps, ascending, to values."""
    return next((value for at, value in points.items() if at >= step), None)


def agreement(curves: Sequence[Mapping[int, float]], step: int) -> Agreement:
    """Compare a step with the end.

    Args:
        curves: of each trial that ran its full length: values by step, ascending.
    """
    pairs = [(value, list(curve.values())[-1]) for curve in curves if (value := at_step(curve, step)) is not None]
    if len(pairs) < 2:
        return Agreement(step, Correlation(math.nan, math.nan, math.nan, math.nan, len(pairs)), math.nan)
    early, late = zip(*pairs, strict=True)
    return Agreement(step, spearman(early, late), spearman(early, late, _DOUBT).high)


def agreements(trials: Iterable[TrialRecord], metric: str, steps: Iterable[int] | None = None) -> list[Agreement]:
    """Compare steps with the end over the search trials of a run.

    Args:
        metric: name of the objective.
        steps: all at which trials of full length report, without the last, when not given.
    """
    search = [trial for trial in trials if trial.phase == "search" and trial.parent is None]
    selected = any(trial.status == "stopped" for trial in search)
    full = [trial for trial in search if trial.status == "finished" and (is_control(trial.number) or not selected)]
    curves = [curve for trial in full if (curve := _curve(trial, metric))]
    if steps is None:
        steps = sorted({step for curve in curves for step in list(curve)[:-1]})
    return [agreement(curves, step) for step in steps]


def _curve(trial: TrialRecord, metric: str) -> dict[int, float]:
    points = {point.step: point.metrics.get(metric, math.nan) for point in trial.reports}
    return {step: value for step, value in sorted(points.items()) if math.isfinite(value)}
