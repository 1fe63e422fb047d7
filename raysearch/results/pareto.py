"""Several objectives at once: the Pareto front, its knee, and the hypervolume that it dominates. Larger is better everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raysearch.results.goals import Goals, Scores, scores_of
from raysearch.results.record import TrialRecord

Points = NDArray[np.float64]


def dominates(one: Scores, other: Scores) -> bool:
    """Whether ``one`` is nowhere worse than ``other`` and somewhere better."""
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def front(points: ArrayLike) -> tuple[int, ...]:
    """Return the positions of the points that no other dominates, ascending; of equal points the first.

    Args:
        points: (points, objectives), larger is better.
    """
    array = _points(points)
    if not len(array):
        return ()
    _, first = np.unique(array, axis=0, return_index=True)
    above, nowhere_below = array[None, :, :] > array[:, None, :], array[None, :, :] >= array[:, None, :]
    beaten = np.any(np.all(nowhere_below, axis=2) & np.any(above, axis=2), axis=1)
    return tuple(sorted(int(i) for i in first if not beaten[i]))


def knee(points: ArrayLike) -> int:
    """Return the position of the knee among the points of a front: where giving up a little of one objective gains most of others.

    With each objective scaled to [0, 1] over the front it is the point farthest beyond the plane through the extremes (Das, "On
    characterizing the knee of the Pareto curve", 1999, with the plane of the scaled extremes); the best by the first objective
    where several are as far.

    Raises:
        ValueError: there is no point.
    """
    array = _points(points)
    if not len(array):
        raise ValueError("a front without points has no knee")
    width = np.ptp(array, axis=0)
    scaled = (array - array.min(axis=0)) / np.where(width > 0, width, 1.0)
    beyond = scaled.sum(axis=1)
    return int(max(range(len(array)), key=lambda i: (round(float(beyond[i]), 12), array[i, 0], -i)))


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Return the volume between a reference point and what the points dominate; exact, by slicing along the last objective.

    Args:
        points: (points, objectives); those that are not above the reference in every objective add nothing.
        reference: (objectives,).
    """
    array, corner = _points(points), np.asarray(reference, dtype=np.float64)
    return _volume(array[(array > corner).all(axis=1)] - corner)


def _volume(points: Points) -> float:
    if not len(points):
        return 0.0
    points = points[list(front(points))]
    if points.shape[1] == 1:
        return float(points.max())
    points = points[np.argsort(-points[:, -1], kind="stable")]
    below = np.append(points[1:, -1], 0.0)
    slabs = [(float(points[i, -1] - below[i]), points[: i + 1, :-1]) for i in range(len(points))]
    return sum(height * _volume(slab) for height, slab in slabs if height > 0)


@dataclass(frozen=True)
class Front:
    """The front of a run.

    Attributes:
        goals: the objectives.
        trials: those on the front, by the first objective, best first.
        scores: theirs, larger is better.
        knee: its position in ``trials``.
        volumes: (trial, hypervolume) after each trial of the search that finished, in the order of their ends: the share of the box
            between the worst and the best value of each objective, over all finished trials, that is dominated.
    """

    goals: Goals
    trials: tuple[TrialRecord, ...]
    scores: tuple[Scores, ...]
    knee: int
    volumes: tuple[tuple[int, float], ...]


def front_of(trials: Sequence[TrialRecord], goals: Goals | None) -> Front | None:
    """Return the front of a run's finished search trials; None with one objective, or without a trial that has all of them."""
    if goals is None or not goals.several:
        return None
    done = [
        (trial, scores)
        for trial in trials
        if trial.phase == "search" and trial.status == "finished" and (scores := scores_of(trial, goals)) is not None
    ]
    if not done:
        return None
    best = sorted(front([scores for _, scores in done]), key=lambda i: (*(-score for score in done[i][1]), done[i][0].number))
    chosen = tuple(done[i][1] for i in best)
    return Front(goals, tuple(done[i][0] for i in best), chosen, knee(chosen), _history(done))


def _history(done: Sequence[tuple[TrialRecord, Scores]]) -> tuple[tuple[int, float], ...]:
    ordered = sorted(done, key=lambda pair: (pair[0].ended or 0.0, pair[0].number))
    array = _points([scores for _, scores in ordered])
    low, width = array.min(axis=0), np.ptp(array, axis=0)
    scaled = np.where(width > 0, (array - low) / np.where(width > 0, width, 1.0), 1.0)
    found: list[tuple[int, float]] = []
    volume, reached = 0.0, scaled[:0]
    for (trial, _), point in zip(ordered, scaled, strict=True):
        if not len(reached) or not (reached >= point).all(axis=1).any():
            reached = np.vstack([reached, point])
            reached = reached[list(front(reached))]
            volume = hypervolume(reached, np.zeros(len(point)))
        found.append((trial.number, volume))
    return tuple(found)


def _points(points: ArrayLike) -> Points:
    array = np.asarray(points, dtype=np.float64)
    return array if array.ndim == 2 else array.reshape(len(array), 1)
