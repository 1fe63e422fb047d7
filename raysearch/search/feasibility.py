"""Whether constraints can be met, and whether the objectives are there to be looked at: what is known before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from raysearch.errors import SpecError
from raysearch.metrics.base import metric
from raysearch.results.goals import CONFIG_FACTS, FACTS
from raysearch.search.costs import Costs
from raysearch.search.probes import Probe
from raysearch.search.study import StudySpec
from raysearch.spec.constraints import Values, applied
from raysearch.spec.document import Document
from raysearch.spec.expression import Expression
from raysearch.spec.findings import Finding, Path, one_of_names, shown
from raysearch.spec.space import Assignment, Space

DRAWS = 400
"""Configurations that are drawn at random to see whether the constraints can be met."""

_PAIRS = 500


def constraint_findings(space: Space, document: Document) -> Iterator[Finding]:
    """Say what is wrong with the constraints between values: unknown names, wrong types, constraints that nothing meets."""
    free = space.under(())
    tried = [(one, Values(free.draft(one).data)) for one in _some(free)] if space.constraints else []
    met = [True] * len(tried)
    wrong = 0
    for i, constraint in enumerate(space.constraints):
        try:
            results = [_applied(constraint, one, values) is not False for one, values in tried]
            _require_sense(constraint, [values for _, values in tried], any(results))
        except SpecError as error:
            wrong += 1
            yield document.finding(("constraints", i), error.cause, error.remedy, value=constraint.text)
        else:
            met = [before and now for before, now in zip(met, results, strict=True)]
    if tried and not wrong:
        yield from _together(met, document)


def _require_sense(constraint: Expression, tried: list[Values], met: bool) -> None:
    unknown = next((name for name in constraint.names if not any(_has(values, name) for values in tried)), None)
    if unknown is not None:
        names = {name for values in tried[:20] for name in values.names()}
        raise SpecError(f"no configuration has a value called {unknown}", remedy=one_of_names(unknown, names))
    if not met:
        raise SpecError(f"none of {len(tried)} configurations meets it", remedy="relax it, or widen the ranges that it is about")


def _together(met: list[bool], document: Document) -> Iterator[Finding]:
    """Say that the constraints, each of which can be met, can't be met together, or hardly."""
    drawn = met[-DRAWS:]
    remedy = "relax one of them, or widen the ranges that they are about"
    if not any(met):
        yield document.finding(("constraints",), f"none of {len(met)} configurations meets all of them", remedy)
    elif sum(drawn) < 0.01 * len(drawn):
        reason = f"only {sum(drawn)} of {len(drawn)} random configurations meet all of them, so that most proposals are drawn anew"
        yield replace(document.finding(("constraints",), reason, remedy), severity="warning")


def _some(free: Space) -> Iterator[Assignment]:
    yield from free.corners()
    yield from islice(free.pairs(), _PAIRS)
    yield from free.draws(DRAWS)


def _applied(constraint: Expression, assignment: Assignment, values: Values) -> bool | None:
    try:
        return applied(constraint, values)
    except SpecError as error:
        raise SpecError(f"{error.cause}, with {shown(assignment)}", remedy=error.remedy) from error


def _has(values: Values, name: str) -> bool:
    try:
        values(name)
    except KeyError:
        return False
    return True


def objective_findings(study: StudySpec, document: Document, corners: list[Probe]) -> Iterator[Finding]:
    """Say what is wrong with the objectives, and with the constraints on the outcome."""
    several = bool(study.objectives)
    if study.objective.metric in FACTS:
        reason = "is a fact, and the first objective has to be a metric: it is what winners are confirmed by"
        first: Path = ("objectives", 0, "metric") if several else ("objective", "metric")
        remedy = "put a metric first, e.g. objectives: [{metric: psnr}, {metric: macs_g, mode: min}]"
        yield document.finding(first, reason, remedy, value=study.objective.metric)
    measured = [set(probe.trial.evaluate.metrics) for probe in corners]
    known = set.intersection(*measured) if measured else set()
    for i, objective in enumerate(study.objectives or (study.objective,)):
        path: Path = ("objectives", i) if several else ("objective",)
        yield from _metric(objective.metric, (*path, "metric"), study, known, document) if measured else ()
        for j, text in enumerate(objective.constraints):
            expression = next(one for one in study.goals.bounds if one.text == text)
            for name in expression.names if measured else ():
                yield from _metric(name, (*path, "constraints", j), study, known, document)
        best = _better(objective.metric, known)
        if best is not None and objective.mode != best:
            better = "higher" if best == "max" else "lower"
            reason = f"looks for the worst configuration: a {better} {objective.metric} is better"
            finding = document.finding((*path, "mode"), reason, f"write mode: {best}", value=objective.mode)
            stated = "mode" in objective.model_fields_set
            yield replace(finding, severity="warning") if stated else finding
    if several and len(study.objectives) > 1 and not study.searcher.several:
        remedy = "write searcher: {kind: nsga2}, tpe or gp"
        yield document.finding(("searcher",), "looks for one objective only", remedy, value=_kind(study))


def _metric(name: str, path: Path, study: StudySpec, known: set[str], document: Document) -> Iterator[Finding]:
    if name not in known and name not in FACTS:
        remedy = f"write one of {', '.join((*sorted(known), *FACTS))}, or add it to trial.evaluate.metrics"
        yield document.finding(path, f"the trials do not measure {name}", remedy, value=document.value(path))
    elif name == "gpu_hours" and study.resources.gpus_per_worker == 0:
        yield document.finding(path, "the trials have no GPU", "write train_seconds, or set resources.gpus_per_worker", value=name)


def _better(name: str, known: set[str]) -> str | None:
    if name in FACTS:
        return "min"
    return None if name not in known else "max" if metric(name).better == "higher" else "min"


def _kind(study: StudySpec) -> object:
    return study.searcher.model_dump(mode="json")["kind"]


def cost_findings(study: StudySpec, document: Document, probes: Iterable[Probe], costs: Costs) -> Iterator[Finding]:
    """Say that no corner of the space meets a constraint that a configuration decides before it is trained."""
    known = study.goals.only_known.bounds
    facts = [costs.of(probe.trial) for probe in probes] if known else []
    for expression in known if facts else ():
        goals = replace(study.goals, bounds=(expression,))
        if all(goals.violated({}, one) for one in facts):
            name = next(name for name in expression.names if name in CONFIG_FACTS)
            values = sorted(float(one[name] or 0) for one in facts)
            reason = f"no configuration meets it: {name} goes from {values[0]:.4g} to {values[-1]:.4g}"
            yield document.finding(_place(study, expression), reason, "relax it, or search smaller networks", value=expression.text)


def _place(study: StudySpec, expression: Expression) -> Path:
    for i, objective in enumerate(study.objectives or (study.objective,)):
        if expression.text in objective.constraints:
            path: Path = ("objectives", i) if study.objectives else ("objective",)
            return (*path, "constraints", objective.constraints.index(expression.text))
    return ("objective",)
