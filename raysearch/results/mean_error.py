"""How far a mean difference may be off: its squared standard error, from the variation over images and over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Error = tuple[float, float]
"""Squared standard error of a mean, and its degrees of freedom."""


def independent_error(first: Values, second: Values) -> Error | None:
    """Add the squared errors from images, seeds of A and seeds of B; None when there is one of each."""
    means = (first.mean(axis=0) - second.mean(axis=0), first.mean(axis=1), second.mean(axis=1))
    parts = [(float(part.var(ddof=1)) / part.size, part.size - 1) for part in means if part.size > 1]
    return _satterthwaite(parts) if parts else None


def crossed_error(pairs: Values) -> Error | None:
    """Estimate the squared error of the mean of a table with random rows and columns; None for a single value.

    With mean squares I (images), S (seeds) and R (rest) it is ``(I + S - R) / n``; where I or S is below R, that effect is taken
    as absent.
    """
    n_seeds, n_images = pairs.shape
    by_image, by_seed, n = pairs.mean(axis=0), pairs.mean(axis=1), pairs.size
    if min(pairs.shape) == 1:
        return None if n == 1 else (float(pairs.var(ddof=1)) / n, float(n - 1))
    residual = pairs - by_image - by_seed[:, None] + pairs.mean()
    images, seeds = float(by_image.var(ddof=1)) / n_images, float(by_seed.var(ddof=1)) / n_seeds
    few, many = n_images - 1, n_seeds - 1
    rest = float((residual**2).sum()) / (few * many) / n
    if images > rest and seeds > rest:
        return _satterthwaite([(images, few), (seeds, many), (-rest, few * many)])
    if max(images, seeds) > rest:
        return (images, float(few)) if images > rest else (seeds, float(many))
    return (few * images + many * seeds + few * many * rest) / (n - 1), float(n - 1)


def _satterthwaite(parts: Sequence[tuple[float, int]]) -> Error:
    """Return the sum of squared errors and the degrees of freedom of it; infinite for a sum of zero."""
    total = math.fsum(square for square, _ in parts)
    spread = math.fsum(square**2 / freedom for square, freedom in parts)
    return total, total**2 / spread if spread > 0 else math.inf
