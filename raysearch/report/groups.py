"""Trials of one sampling strategy: with the same settings of the sampler where they were confirmed, else of one kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from raysearch.report import plain
from raysearch.report.names import distinguish, strategy
from raysearch.report.view import View, kinds, sampler_of
from raysearch.results.record import TrialRecord
from raysearch.results.replay import FORMER


@dataclass(frozen=True)
class Group:
    """A strategy with the trials that stand for it.

    Attributes:
        name: what it is called; strategies of one kind are told apart by their settings.
        kind: of the sampler; empty if it is not recorded.
        trials: confirmation trials where there are some, else search trials; those that ran their full length.
    """

    name: str
    kind: str
    trials: tuple[TrialRecord, ...]


def groups(view: View) -> tuple[Group, ...]:
    """List the strategies of a run, the usual kinds first; those without a trial of full length have no trials."""
    found: list[Group] = []
    for kind in kinds(view.record.trials):
        done = [trial for trial in view.record.trials if trial.status == "finished" and sampler_of(trial) == kind]
        confirmed = [trial for trial in done if trial.phase == "confirm" and not trial.role.startswith(FORMER)]
        parts = _by_settings(confirmed) or [tuple(trial for trial in done if trial.phase == "search")]
        name = strategy(kind) or "a strategy without a name"
        settings = (
            distinguish([{"sampler": plain.at(trials[0].config, "sampler")} for trials in parts]) if len(parts) > 1 else ("",)
        )
        found += [
            Group(f"{name} ({said.replace('sampler ', '')})" if said else name, kind, trials)
            for trials, said in zip(parts, settings, strict=True)
        ]
    return tuple(found)


def _by_settings(trials: Sequence[TrialRecord]) -> list[tuple[TrialRecord, ...]]:
    """Split trials by the settings of their samplers, in the order of their first trials."""
    parts: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        parts.setdefault(json.dumps(plain.at(trial.config, "sampler"), sort_keys=True, default=str), []).append(trial)
    return [tuple(part) for part in parts.values()]
