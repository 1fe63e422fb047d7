"""Which trials of a run are a published row's like, and in what the run differs from what the paper did."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from raysearch.report import plain
from raysearch.report.formats import count, plural
from raysearch.report.names import leaf, settings
from raysearch.report.view import Method, View
from raysearch.results.published import PaperRow, PaperTable, Setting
from raysearch.results.record import TrialRecord

NEAR = 1.25
"""A number counts as that of a published row if neither is more than this many times the other; the nearest one is taken."""


@dataclass(frozen=True)
class Like:
    """What was measured here for a published row.

    Attributes:
        searched: the trial of the search that is nearest to it; of several as near, the best by validation.
        of: how many of the search were as near.
        confirmed: the method that was confirmed and is nearest to it.
        off: values in which the measured one is near but not equal: ``sampler.keep 0.5``.
    """

    searched: TrialRecord | None
    of: int
    confirmed: Method | None
    off: tuple[str, ...]


def likes(view: View, table: PaperTable) -> tuple[Like, ...]:
    """Find what was measured for each row; nothing for one that names no setting. A number belongs to the nearest row alone."""
    done = [trial for trial in view.search if trial.status == "finished" and trial.value is not None]
    tested = [method for method in view.methods if method.trials]
    searched = [_nearest(trial.config, table) for trial in done]
    confirmed = [_nearest(method.config, table) for method in tested]
    found = []
    for i, row in enumerate(table.rows):
        trials = [(near[i], trial) for near, trial in zip(searched, done, strict=True) if i in near]
        methods = [(near[i], place) for place, near in enumerate(confirmed) if i in near]
        found.append(_like(view, row, trials, tested[min(methods)[1]] if methods else None))
    return tuple(found)


def _nearest(config: object, table: PaperTable) -> dict[int, float]:
    """Return the rows that a configuration is nearest to, with the distance."""
    rows = {i: distance for i, row in enumerate(table.rows) if row.where and (distance := apart(config, row.where)) is not None}
    least = min(rows.values(), default=0.0)
    return {i: distance for i, distance in rows.items() if distance - least < 1e-9}


def _like(view: View, row: PaperRow, trials: Sequence[tuple[float, TrialRecord]], confirmed: Method | None) -> Like:
    least = min((distance for distance, _ in trials), default=0.0)
    tied = [trial for distance, trial in trials if distance - least < 1e-9]
    sign = 1 if view.metric.larger_is_better else -1
    searched = max(tied, key=lambda t: (sign * (t.value if t.value is not None else 0.0), -t.number), default=None)
    shown = searched.config if searched is not None else confirmed.config if confirmed is not None else None
    return Like(searched, len(tied), confirmed, _off(shown, row.where) if shown is not None else ())


def apart(config: object, where: Setting) -> float | None:
    """Return how far a configuration is from a setting: the summed log ratios of near numbers; None if it has another."""
    flat, total = settings(config), 0.0
    for path, wanted in where.items():
        have = flat.get(path)
        if path in flat and leaf(have) == leaf(wanted):
            continue
        ours, theirs = plain.number(have), plain.number(wanted)
        if ours is None or theirs is None or min(ours, theirs) <= 0:
            return None
        ratio = abs(math.log(ours / theirs))
        if ratio > math.log(NEAR):
            return None
        total += ratio
    return total


def _off(config: object, where: Setting) -> tuple[str, ...]:
    flat = settings(config)
    return tuple(f"{path} {leaf(flat.get(path))}" for path, wanted in where.items() if leaf(flat.get(path)) != leaf(wanted))


def differences(view: View, table: PaperTable, found: Sequence[Like]) -> tuple[str, ...]:
    """Say what differs between the paper's experiment and the trials that stand beside it, one sentence each."""
    trials = [one.searched for one in found if one.searched is not None]
    trials += [trial for one in found if one.confirmed is not None for trial in one.confirmed.trials]
    protocol = table.protocol
    sentences = [
        f"Data there: {protocol.data}; here: {_joined(_data(view, trials))}.",
        f"Training there: {protocol.training}; here: {_joined(_lengths(trials))}.",
        f"Evaluation there: {protocol.evaluation}; here: {_joined(_protocols(view, trials))}.",
    ]
    flat = [settings(trial.config) for trial in trials]
    here = {path: list(dict.fromkeys(leaf(one[path]) for one in flat if path in one)) for path in table.setting}
    other = [
        f"{path} {leaf(wanted)} ({', '.join(here[path][:6]) or 'nothing like it'})"
        for path, wanted in table.setting.items()
        if here[path] != [leaf(wanted)]
    ]
    if other:
        sentences.append(f"Settings there (here): {', '.join(other)}.")
    sizes = sorted({count(size) for t in trials if (size := plain.number(t.facts.get("parameters"))) is not None})
    if sizes:
        sentences.append(f"Parameters here: {', '.join(sizes[:6])}.")
    return tuple(sentences)


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(part for part in parts if part)) or "not recorded"


def _data(view: View, trials: Sequence[TrialRecord]) -> list[str]:
    """Describe the data by their kind and, where the environment counts them, by the photographs of the training split."""
    kinds = [plain.line(settings(trial.config).get("data.kind"), 40) for trial in trials]
    counted = []
    for part in plain.mapping(view.record.environment.get("data")).values():
        number = plain.number(plain.at(part, "photographs"))
        if plain.at(part, "split") in (None, "train") and number is not None and "patches" in plain.mapping(part):
            counted.append(f"{plural(int(number), 'training photograph')}")
    return [*dict.fromkeys(kinds), *counted]


def _lengths(trials: Sequence[TrialRecord]) -> list[str]:
    found = []
    for trial in trials:
        pixels = plain.number(trial.reports[-1].metrics.get("pixels_seen")) if trial.reports else None
        found.append(f"{plural(trial.step, 'step')}" + (f" ({count(pixels)} pixels)" if pixels is not None else ""))
    return found[:4]


def _protocols(view: View, trials: Sequence[TrialRecord]) -> list[str]:
    named = sorted({place.protocol for place in view.scores.places(trial.number for trial in trials)})
    if named:
        return named
    return [_protocol(trial) for trial in trials][:3]


def _protocol(trial: TrialRecord) -> str:
    stated = plain.at(trial.config, "evaluate.protocol")
    if isinstance(stated, str):
        return plain.line(stated, 40)
    return plain.line(", ".join(f"{key} {leaf(value)}" for key, value in plain.mapping(stated).items()), 80)
