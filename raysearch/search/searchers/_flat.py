"""Spaces with branches for models that want a value of every domain in every trial.

A domain of a branch that was not chosen gets its default, which is what the model then sees of it; what the model proposes for such
a domain is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping

from optuna.distributions import BaseDistribution

from raysearch.search.searchers._unit import Recorder
from raysearch.spec.domains import Leaf, Suggester
from raysearch.spec.space import Assignment, Space


def recorded(space: Space, assignment: Mapping[str, Leaf], *, whole: bool) -> Recorder:
    """Return an assignment in Optuna's terms; with ``whole`` also a default for each domain that does not exist under it."""
    if not whole:
        recorder = Recorder(space.encode(assignment))
        space.sample(recorder)
        return recorder
    values = {entry.name: assignment.get(entry.name, entry.domain.default) for entry in space.entries}
    recorder = Recorder({entry.name: entry.domain.encode(values[entry.name]) for entry in space.entries})
    for entry in space.entries:
        entry.domain.suggest(entry.name, recorder)
    return recorder


def asked(space: Space, trial: Suggester, *, whole: bool) -> Assignment:
    """Ask for an assignment; with ``whole`` also for values of domains that do not exist under it."""
    if not whole:
        return space.sample(trial)
    values = {entry.name: entry.domain.suggest(entry.name, trial) for entry in space.entries}
    assignment: Assignment = {}
    for entry in space.entries:
        if entry.active(assignment):
            assignment[entry.name] = values[entry.name]
    return assignment


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return Optuna's form of every domain of a space."""
    return recorded(space, {}, whole=True).distributions
