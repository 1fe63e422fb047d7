"""The surface `crossing` with twice the lag: early rungs are nearly worthless.

The rank correlation of rungs 1, 3 and 9 with the last is 0.36, 0.66 and 0.93. Harsher than what training does to patch sizes, as
far as is known; it shows what early stopping can cost.
"""

from __future__ import annotations

from typing import ClassVar

from raysearch.search.surrogates.crossing import Surface as Crossing


class Surface(Crossing):
    """Eight mixed parameters, 27 rungs, early rungs that mislead."""

    slow_patches: ClassVar[float] = 1.2
