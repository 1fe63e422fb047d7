"""The restoration surface with cliffs: trials that diverge, and trials that do not fit into memory.

Decided here: a learning rate of more than 2.5 times the best one for its batch diverges, the earlier the higher it is, so that the
optimum lies near the edge; a batch that takes more than a limit of pixels times width runs out of memory at its first rung. About a
third of random configurations have no value at the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from raysearch.search.surrogates.base import Course
from raysearch.search.surrogates.restoration import Surface as Restoration
from raysearch.search.surrogates.restoration import Values
from raysearch.spec.domains import Leaf

EDGE = math.log10(2.5)
"""Decades above the best learning rate at which training begins to diverge."""

MEMORY = 12e6
"""Pixels of a batch times width of the network that fit."""


class Surface(Restoration):
    """Eight mixed parameters, 27 rungs, two regions without values."""

    targets: ClassVar[tuple[float, ...]] = (31.0, 31.5, 32.0)

    def course(self, values: Mapping[str, Leaf], seed: int) -> Course:
        """Return the curve, cut off where the trial breaks down."""
        whole, v = super().course(values, seed), Values.of(values)
        beyond = v.log_lr - v.best_log_lr - EDGE
        end = 0 if v.pixels * v.width > MEMORY else max(0, round(self.rungs * (1 - 2 * beyond))) if beyond > 0 else self.rungs
        if end == self.rungs:
            return whole
        return replace(whole, values=np.where(np.arange(self.rungs) < end, whole.values, np.nan), truth=math.nan)
