"""Confirmed methods against the baseline: the numbers under the answer, the comparison table and its marks."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from raysearch.report.formats import Metric, plural, said, short
from raysearch.report.names import distinguish
from raysearch.report.scores import Place, by_photograph, photographs
from raysearch.report.view import BASELINE, Method, View
from raysearch.results.statistics import Comparison, holm, paired_difference

Key = TypeVar("Key", bound=Hashable)
Answered = Literal["yes", "no", "tie", "unknown"]
Verdict = Literal["better", "worse", "same", "unknown"]

_KEPT = "sampler/kept_fraction"
IDENTICAL = "the two trainings gave identical results"


@dataclass(frozen=True)
class Outcome:
    """A method against another on the images that both have.

    Attributes:
        numbers: difference, interval and p value; None if there are none, see ``problem``.
        problem: why there are none.
        images: how many different images.
        seeds: the smaller number of seeds of the two.
    """

    numbers: Comparison | None
    problem: str
    images: int
    seeds: int

    @property
    def identical(self) -> bool:
        """Say whether both gave the very same values on every image with every seed."""
        return self.numbers is not None and self.numbers.identical

    @property
    def whole(self) -> bool:
        """Say whether the interval accounts for the choice of images and for the seeds; no verdict rests on less."""
        return self.numbers is not None and self.numbers.covers == "images and seeds"

    def verdict(self, metric: Metric) -> Verdict:
        """Judge by the interval: ``same`` where it holds zero."""
        if self.numbers is None or not self.whole:
            return "unknown"
        if not self.numbers.decided:
            return "same"
        return "better" if (self.numbers.difference > 0) == metric.larger_is_better else "worse"

    def difference(self, metric: Metric) -> str:
        """Print the difference, or why there is none."""
        return self.problem if self.numbers is None else metric.difference(self.numbers.difference)

    def interval(self, metric: Metric) -> str:
        """Print the interval, and what it leaves out; words where both did the same."""
        if self.identical:
            return IDENTICAL
        if self.numbers is None or math.isnan(self.numbers.low):
            return "" if self.numbers is None else "no interval"
        shown = metric.interval(self.numbers.low, self.numbers.high)
        return shown if self.whole else f"{shown} over {self.numbers.covers} only"


def outcome(view: View, method: Method, other: Method, metric: Metric, places: tuple[Place, ...]) -> Outcome:
    """Compare ``method`` with ``other`` over the images of some places; the levels of an image are averaged first.

    After a seed race only the seeds that both have count, and interval and p value are corrected for its looks.
    """
    if view.race is not None:
        common = set(method.seeds) & set(other.seeds)
        method, other = method.over(common), other.over(common)
    cells = [(place, image) for place in places for image in view.scores.images((*method.numbers, *other.numbers), place)]
    images = len(photographs(cells))
    seeds = min(len(method.trials), len(other.trials))
    if not cells or seeds == 0:
        return Outcome(None, "no image in common", 0, seeds)
    ours, theirs = (by_photograph(view.scores.matrix(one.numbers, cells, metric.name), cells) for one in (method, other))
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return Outcome(None, f"a {metric.title} is infinite", images, seeds)
    named = (method.seeds, other.seeds)
    found = paired_difference(ours, theirs, seeds=named) if view.race is None else view.race.difference(ours, theirs, named)
    return Outcome(found, "", images, seeds)


def against_baseline(view: View) -> dict[str, tuple[Outcome, float | None]]:
    """Compare every confirmed method with the baseline: by role, the outcome and its p value after Holm's correction."""
    if view.baseline is None:
        return {}
    places = primary_places(view)
    others = [method for method in view.methods if method.trials and method.role != BASELINE]
    outcomes = {method.role: outcome(view, method, view.baseline, view.metric, places) for method in others}
    return _corrected(outcomes)


def compared_at(
    view: View, baseline: Method, methods: Sequence[Method], places: tuple[Place, ...]
) -> dict[tuple[str, Place], tuple[Outcome, float | None]]:
    """Compare methods with the baseline at each place: by role and place, with the p value after Holm's correction for all."""
    pairs = [(method, place) for method in methods for place in places]
    return _corrected({(method.role, place): outcome(view, method, baseline, view.metric, (place,)) for method, place in pairs})


def _corrected(outcomes: Mapping[Key, Outcome]) -> dict[Key, tuple[Outcome, float | None]]:
    raw = {key: found.numbers.p for key, found in outcomes.items() if found.numbers is not None}
    known = {key: p for key, p in raw.items() if not math.isnan(p)}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    return {key: (found, corrected.get(key)) for key, found in outcomes.items()}


def answer(view: View) -> tuple[str, Answered]:
    """Answer the study's question in one paragraph, with nothing claimed that the interval does not carry."""
    winner, baseline = view.winner, view.baseline
    if winner is None or baseline is None:
        return _without_confirmation(view), "unknown"
    if winner.settings and winner.settings == baseline.settings:
        said = f"The search found nothing better than the baseline: its winner, trial {winner.source}, is the baseline itself."
        return said, "no"
    return _with_confirmation(view, winner, baseline)


def _with_confirmation(view: View, winner: Method, baseline: Method) -> tuple[str, Answered]:
    result = outcome(view, winner, baseline, view.metric, primary_places(view))
    names = _called(winner, baseline)
    if result.identical:
        return _identical(result, winner, names), "tie"
    verdict = result.verdict(view.metric)
    held_out = f"on {plural(result.images, 'held-out photograph')}, {plural(result.seeds, 'seed')}"
    shown = f"{result.difference(view.metric)} {result.interval(view.metric)}"
    if result.numbers is None:
        return f"This study cannot say whether {names[0]} beats {names[1]}: {result.problem}.", "unknown"
    if verdict == "unknown":
        lacks = "one photograph" if result.images == 1 else "one seed of a method"
        return (
            f"This study cannot say whether {names[0]} beats {names[1]}: {lacks} gives no interval over photographs and seeds. "
            f"Measured {held_out}: {shown}.",
            "unknown",
        )
    says = {"better": "beats", "same": "does not measurably beat", "worse": "does not beat"}[verdict]
    tail = {
        "better": "The 95\N{NO-BREAK SPACE}% interval excludes zero.",
        "same": "The 95\N{NO-BREAK SPACE}% interval holds zero, so the difference may be chance.",
        "worse": "The 95\N{NO-BREAK SPACE}% interval excludes zero on the wrong side: the baseline is better.",
    }[verdict]
    what = "" if view.metric.name == "psnr" else f"{view.metric.title}, "
    about = f"({what}{said(result.numbers.p)})"
    subject = names[0][:1].upper() + names[0][1:]
    word: Answered = "yes" if verdict == "better" else "tie" if verdict == "same" else "no"
    return f"{subject} {says} {names[1]}: {shown} {held_out} {about}. {tail}", word


def _called(winner: Method, baseline: Method) -> tuple[str, str]:
    """Name both by what differs between the two, whatever else was confirmed."""
    ours, theirs = distinguish((winner.config, baseline.config))
    if ours == theirs:
        return f"the search's winner (trial {winner.source})", "the baseline"
    return ours or f"trial {winner.source}", theirs or "the baseline"


def _identical(result: Outcome, winner: Method, names: tuple[str, str]) -> str:
    """Say that the winner's setting changed nothing, and how much its sampler kept, where that is recorded."""
    held_out = f"{plural(result.images, 'held-out photograph')} and {plural(result.seeds, 'seed')}"
    said = f"{names[0][:1].upper()}{names[0][1:]} does not beat {names[1]}: {IDENTICAL}, to the last digit, on {held_out}."
    last = [trial.reports[-1].metrics for trial in winner.trials if trial.reports]
    kept = [metrics[_KEPT] for metrics in last if _KEPT in metrics]
    if not kept:
        return said
    return f"{said} At its last evaluation the winner's sampler had a kept fraction of {short(sum(kept) / len(kept))}."


def _without_confirmation(view: View) -> str:
    best = view.best_search_trial()
    if not view.search:
        return "This study cannot say anything yet: no trial has been recorded."
    if best is None:
        return "This study cannot say which configuration is best: no trial of the search finished with a finite value."
    lost = [method.title for method in view.methods if not method.trials]
    why = f"no confirmation trial of {' and '.join(lost)} finished" if lost else "nothing was confirmed"
    reached = " ".join(part for part in (view.metric.show(best.value), view.metric.unit) if part)
    return (
        f"This study cannot say whether its winner beats the baseline: {why} on held-out photographs. In the search, trial "
        f"{best.number} reached the best validation value, {reached}; a best of many is an optimistic number."
    )


def primary_places(view: View) -> tuple[Place, ...]:
    """Return the places of the protocol that the answer is about: the one with the most places, then the first by name."""
    trials = [number for method in view.methods for number in method.numbers]
    places = view.scores.places(trials)
    counts = {place.protocol: sum(other.protocol == place.protocol for other in places) for place in places}
    if not counts:
        return ()
    chosen = min(counts, key=lambda protocol: (-counts[protocol], protocol))
    return tuple(place for place in places if place.protocol == chosen)
