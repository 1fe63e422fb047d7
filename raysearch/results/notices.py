"""What looks wrong with a search, from its trials: searched values that nothing reads, or that nothing depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from raysearch.results.events import Event, TrialEnded, TrialReported, TrialStarted
from raysearch.results.record import TrialRecord

_LEFT_OUT = frozenset({"train_seconds", "patches_per_second", "lr", "pixels_seen"})
"""Metrics that are times, or that say what went in rather than what came out."""

_LISTED = 5


def notices(trials: Sequence[TrialRecord]) -> tuple[str, ...]:
    """Return a sentence for each thing that looks wrong.

    A searched place of the configuration that the trainings never looked at; and trials with different values whose every
    evaluation is equal to the last digit, though each has a seed of its own: nothing that differs between them can matter.
    """
    search = [trial for trial in trials if trial.phase == "search" and not trial.origin]
    return (*_unread(search), *_identical(search))


def _unread(search: Sequence[TrialRecord]) -> list[str]:
    done = [trial for trial in search if trial.status in ("finished", "infeasible")]
    places = dict.fromkeys(place for trial in done for place in trial.unread)
    found = []
    for place in places:
        without = [trial.number for trial in done if place in trial.unread]
        if not any(place not in trial.unread and _has(trial.config, place) for trial in done):
            found.append(f"{place} is searched, and the training never reads it ({_named(without)})")
    return found


def _has(config: Mapping[str, object], place: str) -> bool:
    node: Any = config
    for part in place.split("."):
        if isinstance(node, Mapping) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            return False
    return True


def _identical(search: Sequence[TrialRecord]) -> list[str]:
    groups: dict[str, list[TrialRecord]] = {}
    for trial in search:
        if trial.reports:
            curve = _curve(trial)
            groups.setdefault(curve, []).append(trial)
    found = []
    for group in groups.values():
        differing = _differing(group)
        if differing:
            numbers = _named([trial.number for trial in group])
            found.append(f"{numbers} have identical curves, and differ in {', '.join(differing)}: nothing depends on these values")
    return found


def _curve(trial: TrialRecord) -> str:
    return _text([(point.step, point.metrics) for point in trial.reports])


def _text(points: Sequence[tuple[int, Mapping[str, float]]]) -> str:
    """Return what evaluations gave, as text."""
    return repr([(step, sorted((k, v) for k, v in metrics.items() if k not in _LEFT_OUT)) for step, metrics in points])


def _differing(group: Sequence[TrialRecord]) -> list[str]:
    names = dict.fromkeys(name for trial in group for name in trial.values)
    return [name for name in names if len({repr(trial.values.get(name, "(none)")) for trial in group}) > 1]


def _named(numbers: Sequence[int]) -> str:
    listed = ", ".join(str(number) for number in numbers[:_LISTED])
    more = f" and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else ""
    return f"trial{'s' if len(numbers) > 1 else ''} {listed}{more}"


class Watch:
    """Notices the same while a search runs, each thing once, by the events of its journal."""

    def __init__(self) -> None:
        self._started: dict[int, TrialStarted] = {}
        self._points: dict[int, list[tuple[int, Mapping[str, float]]]] = {}
        self._curves: dict[str, int] = {}
        self._told: set[str] = set()

    def feed(self, event: Event) -> list[str]:
        """Take an event; return what is to be said now, a sentence each."""
        match event:
            case TrialStarted() if event.phase == "search" and not event.origin:
                self._started[event.trial] = event
            case TrialReported() if event.trial in self._started:
                self._points.setdefault(event.trial, []).append((event.step, event.metrics))
            case TrialEnded() if event.trial in self._started:
                return [*self._unread(event), *self._identical(event.trial)]
        return []

    def _unread(self, event: TrialEnded) -> list[str]:
        new = [place for place in event.unread if place not in self._told]
        self._told.update(new)
        return [f"{place} is searched, and trial {event.trial} never read it" for place in new]

    def _identical(self, trial: int) -> list[str]:
        points = self._points.pop(trial, [])
        first = self._curves.setdefault(_text(points), trial) if points else trial
        one, other = self._started[first].values, self._started[trial].values
        names = dict.fromkeys([*one, *other])
        differing = [name for name in names if repr(one.get(name, "(none)")) != repr(other.get(name, "(none)"))]
        if not differing or "identical" in self._told:
            return []
        self._told.add("identical")
        return [f"trials {first} and {trial} have identical curves, and differ in {', '.join(differing)}"]
