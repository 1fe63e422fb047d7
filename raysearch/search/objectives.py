"""Objectives as numbers that a searcher and a scheduler compare."""

from __future__ import annotations

from collections.abc import Mapping

from raysearch.search.schedulers.base import Scores
from raysearch.search.study import Objective


def scores_of(metrics: Mapping[str, float], objective: Objective) -> Scores:
    """Return the objective with the sign under which larger is better."""
    value = metrics[objective.metric]
    return (value if objective.mode == "max" else -value,)
