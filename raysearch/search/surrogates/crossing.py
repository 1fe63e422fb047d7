"""The restoration surface with learning curves that cross: large patches start slower and end better.

Decided here: every doubling of the patch lies 0.5 dB behind at the first rung for reasons that vanish at the last one, and the best
patch is the second largest. Whoever compares trials early prefers small patches, which is the trap.
"""

from __future__ import annotations

from typing import ClassVar

from raysearch.search.surrogates.restoration import Surface as Restoration


class Surface(Restoration):
    """Eight mixed parameters, 27 rungs, curves that cross for their patch size."""

    best_patch: ClassVar[float] = 1.6
    slow_patches: ClassVar[float] = 0.6
