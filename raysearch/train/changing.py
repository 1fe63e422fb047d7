"""A trial whose configuration changes on the way: the schedule that population based training found, from the first step on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS, TrialResult
from raysearch.train.reporter import Report, Reporter, StopTrial
from raysearch.train.state import Start, TrialIO

Fit = Callable[[TrialConfig, TrialIO, Reporter], TrialResult]


@dataclass(frozen=True)
class Stage:
    """A configuration and the step at which the next one takes its place."""

    config: TrialConfig
    until: int


def fit_in_stages(fit: Fit, stages: Sequence[Stage], last: TrialConfig, io: TrialIO, reporter: Reporter) -> TrialResult:
    """Train ``stages`` one after another, then ``last`` to its end; each takes over the state of the one before.

    Everything happens in the trial's folder: its checkpoints say which stage they belong to, so an interrupted trial goes on there.

    Raises:
        see `raysearch.train.loop.fit`.
    """
    stages = _distinct(stages, last)
    seconds, first = 0.0, _reached([*stages, Stage(last, last.steps)], io)
    for number, stage in enumerate(stages):
        if number >= first:
            result = fit(stage.config, replace(io, start=_start(stages, number, io)), _Until(reporter, stage.until))
            seconds += result.seconds
            if result.step != stage.until:
                return replace(result, seconds=seconds)
    result = fit(last, replace(io, start=_start(stages, len(stages), io)), reporter)
    return replace(result, seconds=seconds + result.seconds)


def _distinct(stages: Sequence[Stage], last: TrialConfig) -> list[Stage]:
    """Join neighbours with the same configuration."""
    found: list[Stage] = []
    for stage in stages:
        if found and found[-1].config == stage.config:
            found.pop()
        found.append(stage)
    return found[:-1] if found and found[-1].config == last else found


def _start(stages: Sequence[Stage], number: int, io: TrialIO) -> Start | None:
    """Return what a stage takes over: the checkpoint of the one before, in the same folder."""
    if number == 0:
        return io.start
    before = stages[number - 1]
    return Start(checkpoint.path_of(io.folder / CHECKPOINTS, before.until), before.config.key)


def _reached(stages: Sequence[Stage], io: TrialIO) -> int:
    """Return the latest stage of which there is a checkpoint, 0 without any; every rank gets what rank 0 finds."""
    found = 0
    if io.world.rank == 0:
        begins = [0, *(stage.until for stage in stages)]
        keys = [stage.config.key for stage in stages]
        for step, key in checkpoint.usable(io.folder / CHECKPOINTS):
            of = [i for i, stage in enumerate(stages) if keys[i] == key and begins[i] <= step <= stage.until]
            found = max([found, *of])
    return int(io.world.agree(torch.tensor([found])))


class _Until:
    """Passes reports on, and ends the stage at its last step."""

    def __init__(self, reporter: Reporter, until: int) -> None:
        self._reporter = reporter
        self._until = until

    def report(self, report: Report) -> None:
        self._reporter.report(report)
        if report.step >= self._until:
            raise StopTrial
