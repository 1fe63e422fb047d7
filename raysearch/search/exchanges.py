"""Whether a plan for population based training holds: exchanges are reached, and there is something to change at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from raysearch.search.perturbing import movable
from raysearch.search.probes import Probe
from raysearch.search.schedulers.pbt import Config as Pbt
from raysearch.search.study import StudySpec
from raysearch.spec.document import Document
from raysearch.spec.findings import MISSING, Finding


def exchange_findings(study: StudySpec, document: Document, corners: Sequence[Probe]) -> Iterator[Finding]:
    """Say what is wrong with a study's exchanges."""
    if not isinstance(study.scheduler, Pbt) or not corners:
        return
    lengths = sorted({probe.trial.steps for probe in corners})
    if len(lengths) > 1:
        remedy = f"write one number, for example {lengths[-1]}"
        yield document.finding(("trial", "steps"), "differs between trials, and members of a population have one length", remedy)
        return
    faults = [_interval(study.scheduler, document, lengths[0], probe.trial.evaluate.every) for probe in corners]
    yield from [fault for fault in faults if fault is not None][:1]
    if not any(movable(study.trial, probe.assignment, probe.trial) for probe in corners):
        reason = "has nothing to change: no number of the recipe, of the sampler or of the batch is searched"
        remedy = "search one, for example the rate: lr: {float: [1e-4, 1e-2], log: true}; or choose another scheduler"
        yield document.finding(("scheduler", "kind"), reason, remedy, value="pbt")


def _interval(config: Pbt, document: Document, steps: int, every: int) -> Finding | None:
    interval = config.interval(steps)
    value = MISSING if config.every is None else config.every
    if interval >= steps:
        reason = f"lies at or beyond a trial's end ({steps} steps), so nothing is ever exchanged"
        return document.finding(("scheduler", "every"), reason, f"write less than {steps}", value=value)
    if interval % every:
        below, above = interval // every * every, (interval // every + 1) * every
        reason = f"trials exchange every {interval} steps and are evaluated every {every}"
        remedy = f"write every: {above}" if below == 0 else f"write every: {below} or {above}"
        return document.finding(("scheduler", "every"), reason, remedy, value=value)
    return None
