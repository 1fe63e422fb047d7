"""The restoration surface with a second objective: the multiply-adds of a network, which grow with the square of its width.

What counts at the end is the hypervolume over 26 dB and under 1 (in 1e9 multiply-adds, in units of their product) of the trials of
full length, without noise. Decided here: the exponent of a plain convolutional network; width 64 costs 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from raysearch.search.surrogates.base import Course
from raysearch.search.surrogates.restoration import Surface as Restoration
from raysearch.search.surrogates.restoration import Values
from raysearch.spec.domains import Leaf


class Surface(Restoration):
    """Eight mixed parameters, 27 rungs; PSNR against multiply-adds."""

    targets: ClassVar[tuple[float, ...]] = ()
    reference: ClassVar[tuple[float, float] | None] = (26.0, 1.001)

    def course(self, values: Mapping[str, Leaf], seed: int) -> Course:
        """Return the curve and the multiply-adds, in 1e9."""
        return replace(super().course(values, seed), second=(Values.of(values).width / 64) ** 2)
