"""Whether a study's plan holds: it ends, its rungs are reached, published values and the baseline lie where they should."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from raysearch.errors import SpecError
from raysearch.search.exchanges import exchange_findings
from raysearch.search.feasibility import objective_findings
from raysearch.search.probes import Probe
from raysearch.search.study import StudySpec
from raysearch.spec.document import Document
from raysearch.spec.findings import MISSING, Finding, Path, dotted, shown

MIN_SEEDS = 3
"""Seeds below which a confirmation proves little."""


def plan_findings(study: StudySpec, document: Document, probes: Iterable[Probe]) -> Iterator[Finding]:
    """Say what is wrong with the plan of a study whose parts are valid."""
    corners = [probe for probe in probes if not probe.pair]
    yield from _budget(study, document)
    yield from _rungs(study, document, corners)
    yield from exchange_findings(study, document, corners)
    yield from objective_findings(study, document, corners)
    yield from _seed(study, document)
    yield from _published(study, document)
    yield from _confirm(study, document, corners)


def _budget(study: StudySpec, document: Document) -> Iterator[Finding]:
    budget = study.budget
    if budget.gpu_hours is not None and study.resources.gpus_per_worker == 0 and budget.trials is None and budget.minutes is None:
        reason, remedy = "never ends a study whose trials have no GPU", "add trials: or minutes:, or set resources.gpus_per_worker"
        yield document.finding(("budget", "gpu_hours"), reason, remedy, value=budget.gpu_hours)
    try:
        study.searcher.build(study.trial, 0)
        size = _least(study.searcher.size(study.trial), study.scheduler.founders)
    except SpecError as error:
        yield _at_domain(study, document, error)
        return
    if size is None and budget.trials is None and budget.minutes is None and budget.gpu_hours is None:
        remedy = "write budget: {trials: 20}, or minutes: or gpu_hours:"
        yield document.finding(("budget",), "the search has no end", remedy)
    if size is not None and budget.trials is not None and budget.trials < size:
        reason = f"ends the search before its {size} configurations are tried"
        yield _warning(document.finding(("budget", "trials"), reason, f"write {size}, or leave it out", value=budget.trials))


def _least(one: int | None, other: int | None) -> int | None:
    return min((size for size in (one, other) if size is not None), default=None)


def _at_domain(study: StudySpec, document: Document, error: SpecError) -> Finding:
    """Put a searcher's complaint at the domain that it names, else at the searcher."""
    entry = next((entry for entry in study.trial.entries if error.cause.startswith(f"{entry.name} ")), None)
    if entry is None:
        return document.finding(("searcher",), error.cause, error.remedy)
    return document.finding(("trial", *entry.path), error.cause.removeprefix(f"{entry.name} "), error.remedy)


def _rungs(study: StudySpec, document: Document, corners: list[Probe]) -> Iterator[Finding]:
    if "first_rung" not in type(study.scheduler).model_fields:
        return
    for probe in corners:
        rungs, trial = study.scheduler.rungs(trial_steps := probe.trial.steps), probe.trial
        path = ("scheduler", "first_rung")
        value = getattr(study.scheduler, "first_rung", MISSING)
        if not rungs:
            reason = f"lies at or beyond a trial's end ({trial_steps} steps), so nothing is ever stopped"
            yield document.finding(path, reason, f"write less than {trial_steps}, or scheduler: {{kind: fifo}}", value=value)
        elif rungs[0] < trial.evaluate.every:
            reason = f"lies before the first evaluation (every {trial.evaluate.every} steps)"
            yield document.finding(path, reason, f"write {trial.evaluate.every} or more, or a smaller evaluate.every", value=value)


def _seed(study: StudySpec, document: Document) -> Iterator[Finding]:
    if isinstance(study.trial.template.get("seed"), int):
        reason, remedy = "is replaced: every trial gets a seed derived from the study's", "delete it, and set the study's seed"
        yield _warning(document.finding(("trial", "seed"), reason, remedy, value=study.trial.template["seed"]))


def _published(study: StudySpec, document: Document) -> Iterator[Finding]:
    for i, published in enumerate(study.published):
        values = dict(published.values)
        try:
            found = study.trial.resolve(values)
            broken = next((one.text for one in study.trial.constraints if not study.trial.under([one]).allows(found)), None)
            if broken is not None:
                reason = f"does not meet the constraint {broken}"
                yield document.finding(("published", i, "values"), reason, "drop the entry, or relax the constraint", value=values)
        except SpecError as error:
            keys = {entry.name: dotted(entry.target) for entry in study.trial.entries}
            about = error.cause.split(" ")[0]
            bad = next((key for key in (about, keys.get(about, "")) if key in values), None)
            remedy = f"{error.remedy or 'correct it'}, or drop the entry"
            yield _about(document, ("published", i, "values"), values, bad, error.cause, remedy)


def _confirm(study: StudySpec, document: Document, corners: list[Probe]) -> Iterator[Finding]:
    confirm = study.confirm
    if confirm.top == 0:
        return
    if confirm.seeds < MIN_SEEDS:
        reason = f"fewer than {MIN_SEEDS} seeds say little about a difference"
        yield _warning(document.finding(("confirm", "seeds"), reason, f"write {MIN_SEEDS} or more", value=confirm.seeds))
    if not confirm.baseline:
        remedy = "write confirm: {baseline: {sampler: {kind: uniform}}}, or confirm: {top: 0} for no confirmation"
        yield document.finding(("confirm", "baseline"), "nothing to compare the winner with", remedy)
    for probe in corners:
        try:
            confirm.baseline_of(probe.trial)
        except SpecError as error:
            bad = next((key for key in confirm.baseline if error.place == key or error.place.startswith(f"{key}.")), None)
            reason = f"not valid with {shown(probe.assignment) if probe.assignment else 'this trial'}: {error.cause}"
            yield _about(document, ("confirm", "baseline"), confirm.baseline, bad, reason, error.remedy)
            return


def _about(document: Document, path: Path, values: Mapping[str, object], key: str | None, reason: str, remedy: str) -> Finding:
    """Make a finding about one key of a mapping of values, or about the whole mapping."""
    if key is None:
        return document.finding(path, reason, remedy)
    return document.finding((*path, key), reason, remedy, value=values[key])


def _warning(finding: Finding) -> Finding:
    return replace(finding, severity="warning")
