"""The restoration surface with learning curves that cross: large patches start slower and end better.

Decided here: a doubling of the patch lies 3.7 dB behind at the first rung, 1.6 at the third and 0.6 at the ninth, for reasons that
vanish at the last one, and the best patches are larger than in `raysearch.search.surrogates.restoration`. Whoever compares trials
early prefers small patches. The rank correlation of rungs 1, 3 and 9 with the last is 0.57, 0.82 and 0.97.
"""

from __future__ import annotations

from typing import ClassVar

from raysearch.search.surrogates.restoration import Surface as Restoration


class Surface(Restoration):
    """Eight mixed parameters, 27 rungs, curves that cross for their patch size."""

    best_patch: ClassVar[float] = 1.6
    slow_patches: ClassVar[float] = 0.6
