"""Who is compared with whom: the winners of several runs, or the trials of runs by the value of one setting."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from raysearch.errors import SpecError, did_you_mean
from raysearch.report import plain
from raysearch.report.factors import groups_of
from raysearch.report.names import distinguish, leaf, settings
from raysearch.report.view import BASELINE, View
from raysearch.results.record import TrialRecord
from raysearch.results.replay import FORMER

Phase = Literal["confirm", "search"]
_ENDED = ("finished", "stopped", "infeasible")
_LEVELS = 12


@dataclass(frozen=True)
class Training:
    """One training of a side: a trial of a run."""

    view: View
    trial: TrialRecord


@dataclass(frozen=True)
class Side:
    """One of those that are compared.

    Attributes:
        name: of the run, or the value of the setting.
        words: what sets it apart, shortly; empty where the name says all.
        phase: which trials these are: of the confirmation (fresh seeds, test photographs) or of the search.
        trainings: those that count.
        lost: how many more did not end with a value.
    """

    name: str
    words: str
    phase: Phase
    trainings: tuple[Training, ...]
    lost: int = 0

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Its trials."""
        return tuple(training.trial for training in self.trainings)

    @property
    def views(self) -> tuple[View, ...]:
        """Its runs, each once."""
        return tuple({id(training.view): training.view for training in self.trainings}.values())


def sides_of_runs(views: Sequence[View]) -> tuple[Side, ...]:
    """Return one side a run: its confirmed winner, or, where not every run has one, the best trial of its search."""
    confirmed = all(view.winner is not None for view in views)
    found = []
    for view, name in zip(views, _names(views), strict=True):
        best = view.best_search_trial()
        trials = view.winner.trials if confirmed and view.winner is not None else (best,) if best is not None else ()
        lost = view.winner.lost if confirmed and view.winner is not None else 0
        trainings = tuple(Training(view, trial) for trial in trials)
        found.append(Side(name, "", "confirm" if confirmed else "search", trainings, lost))
    configs = [side.trials[0].config if side.trials else {} for side in found]
    described = zip(found, distinguish(configs), strict=True)
    return tuple(Side(one.name, words, one.phase, one.trainings, one.lost) for one, words in described)


def referred(sides: Sequence[Side], name: str | None) -> tuple[Side, ...]:
    """Put the side of a name first.

    Raises:
        SpecError: there is none.
    """
    if name is None:
        return tuple(sides)
    names = [side.name for side in sides]
    if name not in names:
        raise SpecError(
            f"nothing is called {name!r}{did_you_mean(name, names)}", place="--reference", remedy=f"name one of {', '.join(names)}"
        )
    first = sides[names.index(name)]
    return (first, *(side for side in sides if side is not first))


def _names(views: Sequence[View]) -> list[str]:
    """Return the runs' names, with a number where several runs of different folders have the same."""
    names = [plain.line(view.record.name, 60) for view in views]
    return [f"{name} ({place})" if names.count(name) > 1 else name for place, name in enumerate(names, 1)]


def sides_by(views: Sequence[View], path: str, phase: Phase | None = None) -> tuple[Side, ...]:
    """Return one side for each value of a setting, the baseline's first.

    Args:
        views: the runs whose trials are taken together.
        path: dotted, of the trial: ``sampler.kind`` or ``trial.sampler.kind``; a whole component (``sampler``) is compared by
            all of its values. Numbers that rarely repeat are put in thirds.
        phase: of the trials; without it those of the confirmation, if they differ in the setting, else those of the search.

    Raises:
        SpecError: no trial has such a setting, or all have the same.
    """
    path = path.removeprefix("trial.")
    known: dict[Phase, list[tuple[Training, object]]] = {one: _having(views, path, one) for one in ("confirm", "search")}
    if not any(known.values()):
        raise SpecError(f"no trial has a setting {path!r}{did_you_mean(path, _paths(views))}", place="--by", remedy=_REMEDY)
    phases: tuple[Phase, ...] = (phase,) if phase is not None else ("confirm", "search")
    for one in phases:
        sides = _grouped(known[one], one, _baseline_names(views, path))
        if len(sides) > 1:
            return sides
    values = {leaf(value) for one in phases for _, value in known[one]}
    where = "confirmation" if phase == "confirm" else "search"
    shown = f"the same, {next(iter(values))}" if len(values) == 1 else "none that ended with a value"
    raise SpecError(f"all trials of the {where} have {shown}, as {path}", place="--by", remedy=_REMEDY)


_REMEDY = "name a setting of the trial that was searched or confirmed with several values; raysearch show RUN lists them"


def _having(views: Iterable[View], path: str, phase: Phase) -> list[tuple[Training, object]]:
    found = []
    for view in views:
        trials = view.confirmation if phase == "confirm" else view.search
        for trial in trials:
            value = _value(trial, path)
            if value is not None and not trial.role.startswith(FORMER):
                found.append((Training(view, trial), value))
    return found


def _value(trial: TrialRecord, path: str) -> object:
    """Return a setting, or all settings of a component in one text; None where the trial has none of the name."""
    flat = settings(trial.config)
    if path in flat:
        return "none" if flat[path] is None else flat[path]
    inside = {key.removeprefix(f"{path}."): value for key, value in flat.items() if key.startswith(f"{path}.")}
    return ", ".join(f"{key} {leaf(value)}".removeprefix("kind ") for key, value in inside.items()) or None


def _paths(views: Iterable[View]) -> list[str]:
    return list(dict.fromkeys(key for view in views for trial in view.record.trials for key in settings(trial.config)))


def _baseline_names(views: Iterable[View], path: str) -> frozenset[str]:
    """Return what the value of the studies' baselines is called."""
    return frozenset(
        leaf(value)
        for view in views
        for key, value in settings(plain.at(view.record.spec, "confirm.baseline")).items()
        if key == path and value is not None
    )


def _grouped(known: Sequence[tuple[Training, object]], phase: Phase, baselines: Collection[str]) -> tuple[Side, ...]:
    groups = groups_of([value for _, value in known])
    found = []
    for name, places in groups.items():
        every = [known[place][0] for place in places]
        counted = tuple(training for training in every if _counts(training, phase))
        if counted:
            found.append(Side(name, "", phase, counted, len(every) - len(counted)))
    if len(found) > _LEVELS:
        raise SpecError(f"{len(found)} values are too many to compare, {_LEVELS} are the limit", place="--by", remedy=_REMEDY)
    return tuple(sorted(found, key=lambda side: side.name not in baselines and not any(t.role == BASELINE for t in side.trials)))


def _counts(training: Training, phase: Phase) -> bool:
    """Say whether a trial ended with values; of the confirmation those that ran their full length."""
    trial = training.trial
    return trial.status == "finished" if phase == "confirm" else trial.status in _ENDED and bool(trial.reports)
