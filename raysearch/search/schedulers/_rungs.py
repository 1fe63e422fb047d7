"""Rungs: training lengths at which trials are compared."""

from __future__ import annotations

from collections.abc import Iterable

from raysearch.search.schedulers.base import Scores


def geometric(first: int, factor: int, steps: int) -> tuple[int, ...]:
    """Return ``first * factor**k`` as long as it is below ``steps``."""
    found = []
    rung = first
    while rung < steps:
        found.append(rung)
        rung *= factor
    return tuple(found)


def reached(rungs: Iterable[int], step: int) -> list[int]:
    """Return the rungs at or below a step, ascending."""
    return sorted(rung for rung in rungs if rung <= step)


def behind(scores: Scores, others: Iterable[Scores]) -> int:
    """Return how many of ``others`` are better: larger with one objective, dominating (nowhere worse) with several."""
    return sum(other != scores and all(o >= s for o, s in zip(other, scores, strict=True)) for other in others)
