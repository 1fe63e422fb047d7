"""Which rows of a comparison table are bold: the best, and those that the data can't tell from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from raysearch.results.statistics import Comparison, holm, paired_difference


@dataclass(frozen=True)
class BestGroup:
    """Marks of a table's rows, which are counted from 0.

    Attributes:
        best: the row with the best mean.
        bold: the best and every row whose difference to it has an interval that holds zero (or has no interval), ascending.
        second: the best row that is not bold; None if all are.
        comparisons: each row minus the best one, in the order of the rows; None at the best itself.
        adjusted: p values of ``comparisons`` after Holm's correction for all of them; None at the best itself and without p.
    """

    best: int
    bold: tuple[int, ...]
    second: int | None
    comparisons: tuple[Comparison | None, ...]
    adjusted: tuple[float | None, ...]


def best_group(
    rows: Sequence[ArrayLike],
    mode: Literal["max", "min"] = "max",
    confidence: float = 0.95,
    *,
    seeds: Sequence[Sequence[int]] | None = None,
) -> BestGroup:
    """Decide the marks of a table from its per-image values.

    Args:
        rows: one array (seeds, images) per row; all rows have the same images in the same order.
        mode: whether high or low values are good.
        confidence: of the intervals.
        seeds: of each row's trainings; rows with the same seeds are compared in pairs, see `paired_difference`.

    Raises:
        ValueError: there is no row, or see `paired_difference`.
    """
    if not rows:
        raise ValueError("a table without rows has no best one")
    sign = 1.0 if mode == "max" else -1.0
    arrays = [np.asarray(row, dtype=np.float64) for row in rows]
    means = [sign * float(array.mean()) for array in arrays]
    order = sorted(range(len(rows)), key=lambda row: -means[row])
    best = order[0]

    def against_best(row: int) -> Comparison:
        named = None if seeds is None else (seeds[row], seeds[best])
        return paired_difference(arrays[row], arrays[best], confidence, seeds=named)

    comparisons = tuple(None if row == best else against_best(row) for row in range(len(rows)))
    behind = [row for row in order[1:] if (found := comparisons[row]) is not None and found.decided]
    bold = tuple(row for row in range(len(rows)) if row not in behind)
    return BestGroup(best, bold, behind[0] if behind else None, comparisons, _adjusted(comparisons))


def _adjusted(comparisons: Sequence[Comparison | None]) -> tuple[float | None, ...]:
    tested = [row for row, found in enumerate(comparisons) if found is not None and not np.isnan(found.p)]
    corrected = dict(zip(tested, holm([found.p for row in tested if (found := comparisons[row])]), strict=True))
    return tuple(corrected.get(row) for row in range(len(comparisons)))
