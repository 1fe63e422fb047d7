"""Warm starts from another run: its trials taken over where they answer this study's questions, or its best regions tried first.

*Importing* is for the same problem in another space: a trial is taken over, with its values, when this study's space gives the
very same configuration, data and protocol and length included. *Transfer* is for a related problem: values of another problem say
nothing true about this one, so none is taken; the configurations that were best there are mapped into this space and tried first,
at the price of their trials. What that gives after a related run, and costs after a misleading one, stands in
``reports/search_bench.md`` (`raysearch-transfer` and `raysearch-misled`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from raysearch.errors import SpecError
from raysearch.results.events import Event, RunImported, Status, TrialEnded, TrialReported, TrialStarted
from raysearch.results.garbage import ranked
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.summary import summary
from raysearch.search.study import Published, StudySpec
from raysearch.spec.inverse import nearest_values, values_of
from raysearch.spec.trial import TrialConfig

TRANSFERRED = 5
"""Configurations of a related run that are tried first."""

_TOLD: frozenset[Status] = frozenset({"finished", "infeasible", "stopped", "diverged", "out_of_memory"})
"""Ends that are answers; the others may be the machine's fault."""


@dataclass(frozen=True)
class Import:
    """What can be taken over from a run.

    Attributes:
        events: for the beginning of a journal: `RunImported`, then each trial from its start to its end, numbered from ``first``.
        taken: how many trials.
        refused: how many not, by reason.
    """

    events: tuple[Event, ...]
    taken: int
    refused: Mapping[str, int]


def import_run(spec: StudySpec, record: RunRecord, first: int = 0) -> Import:
    """Take over the trials of a run's search that fit a study.

    Args:
        spec: the study.
        record: the run.
        first: number of the first trial that is taken.
    """
    refused: Counter[str] = Counter()
    events: list[Event] = []
    taken = 0
    for trial in (one for one in record.trials if one.phase == "search"):
        try:
            events.extend(_events(spec, record.name, trial, first + taken))
        except SpecError as error:
            refused[error.cause] += 1
        else:
            taken += 1
    head = RunImported(time=time.time(), run=record.name, trials=taken, refused=dict(refused))
    return Import((head, *events), taken, dict(refused))


def require_same_data(record: RunRecord, data: Mapping[str, object]) -> bool:
    """Refuse a run whose photographs were others than the study's.

    Args:
        record: the run.
        data: what was found for the study: ``data`` of its env.json.

    Returns:
        Whether both recorded their photographs; if not, only configurations can be compared.

    Raises:
        SpecError: a set of the same split and name has another digest.
    """
    before = record.environment.get("data")
    if not isinstance(before, Mapping):
        return False
    for name in [name for name in data if name in before]:
        if _digest(before[name]) != _digest(data[name]):
            raise SpecError(
                f"the photographs of {name} are not those of run {record.name}: their digests differ",
                remedy="values of other photographs can't be taken over; --transfer tries the run's best configurations instead",
            )
    return any(name in before for name in data)


def _digest(found: object) -> object:
    return found.get("digest") if isinstance(found, Mapping) else None


def _events(spec: StudySpec, run: str, trial: TrialRecord, number: int) -> Iterator[Event]:
    """Yield a trial's events under its new number.

    Raises:
        SpecError: it does not fit, and why.
    """
    if trial.status not in _TOLD:
        raise SpecError("has not ended" if trial.status is None else f"ended as {trial.status}")
    if trial.parent is not None:
        raise SpecError("began from the checkpoint of another trial")
    values = values_of(spec.trial, _config(trial))
    status, value, reason = _end(spec, trial)
    bound = spec.trial.bind(values, trial.seed)
    now = time.time()
    yield TrialStarted(
        time=now,
        trial=number,
        phase="search",
        role="imported",
        source=None,
        values=values,
        config=bound.model_dump(mode="json"),
        seed=trial.seed,
        steps=trial.steps,
        origin=trial.origin or f"{run}/{trial.number}",
    )
    for point in trial.reports:
        yield TrialReported(time=now, trial=number, step=point.step, metrics=point.metrics)
    yield TrialEnded(
        time=now,
        trial=number,
        status=status,
        step=trial.step,
        value=value,
        seconds=trial.seconds,
        reason=reason,
        facts=trial.facts,
    )


def _config(trial: TrialRecord) -> dict[str, object]:
    """Return a configuration as this version of raysearch writes it.

    Raises:
        SpecError: this version does not know it.
    """
    try:
        return TrialConfig.parse(trial.config).model_dump(mode="json")
    except ValidationError as error:
        raise SpecError("this version of raysearch can't read its configuration") from error


def _end(spec: StudySpec, trial: TrialRecord) -> tuple[Status, float | None, str]:
    """Return status, value and reason of a trial under this study's objective and constraints.

    Raises:
        SpecError: it has not measured the objective.
    """
    if trial.status in ("diverged", "out_of_memory"):
        return trial.status, None, trial.reason
    metrics, goals = trial.reports[-1].metrics if trial.reports else {}, spec.goals
    try:
        value = goals.value(goals.headline.metric, metrics, trial.facts)
        goals.scores(metrics, trial.facts)
    except KeyError as error:
        raise SpecError(f"did not measure {error.args[0]}") from error
    if trial.status == "stopped":
        return "stopped", value, ""
    broken = goals.violated(metrics, trial.facts)
    return ("infeasible", value, f"does not meet {broken}") if broken else ("finished", value, "")


def transferred(spec: StudySpec, record: RunRecord, count: int = TRANSFERRED) -> tuple[Published, ...]:
    """Return the best configurations of a related run as values that a study tries first, mapped to the nearest of its space.

    Raises:
        SpecError: none of them has anything in common with the space.
    """
    found: list[Published] = []
    for trial in ranked(record.trials, summary(record).mode == "max"):
        values = nearest_values(spec.trial, trial.config)
        if values is not None and all(values != one.values for one in found):
            found.append(Published(source=f"best of run {record.name}: trial {trial.number}", values=values))
        if len(found) == count:
            break
    if not found:
        raise SpecError(
            f"no finished trial of run {record.name} has a value for any domain of this space",
            place="--transfer",
            remedy="name a run of a related study",
        )
    return tuple(found)


def described(refused: Mapping[str, int]) -> Sequence[str]:
    """Return the reasons with their counts, the most frequent first."""
    return [f"{count} x {reason}" for reason, count in sorted(refused.items(), key=lambda item: -item[1])]
