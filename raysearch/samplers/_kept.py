"""A sampler that visits a fixed part of the patches and weighs them alike: what static mining comes down to."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from raysearch.samplers._epochs import Epochs
from raysearch.samplers.base import Sampler, SamplerContext, Signals
from raysearch.shapes import Image, PixelWeights, Rows


def best(scores: NDArray[np.float32], keep: float) -> NDArray[np.int64]:
    """Return the rows of the largest scores, ascending: ``keep`` of all, rounded up, at least one; of equal ones the first."""
    kept = min(len(scores), max(1, math.ceil(keep * len(scores))))
    return np.sort(np.argsort(-scores, kind="stable")[:kept]).astype(np.int64)


class Kept(Sampler):
    """Visits some rows, without replacement, in a new random order every epoch.

    Args:
        rows: the rows to visit, int64.
        context: what samplers are built from.
    """

    def __init__(self, rows: NDArray[np.int64], context: SamplerContext) -> None:
        self._kept_fraction = len(rows) / context.count
        self._rows = torch.from_numpy(rows)
        self._epochs = Epochs(self._rows, context.seed)

    def suggest(self, count: int) -> Rows:
        """Return the next rows of the epoch over the kept patches."""
        return self._epochs.take(count)

    def update(self, rows: Rows, signals: Signals) -> PixelWeights | None:
        """Return None: the plain mean over the kept patches."""
        return None

    def look(self, rows: Rows, restored: Image, clean: Image) -> PixelWeights:
        """Say which of the patches are visited: 1 everywhere, or 0 everywhere."""
        kept = torch.isin(rows, self._rows).to(restored.device, torch.float32)
        return kept[:, None, None, None].expand(-1, 1, *restored.shape[2:])

    def statistics(self) -> dict[str, float]:
        """Return the share of the patches that is trained on."""
        return {"kept_fraction": self._kept_fraction}

    def state_dict(self) -> dict[str, object]:
        """Return the place in the epoch."""
        return {"epochs": self._epochs.state_dict()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self._epochs.load_state_dict(state["epochs"])

    def take_over(self, state: Mapping[str, object]) -> None:
        """Go on in the order of the donor; where another share is kept, with a new epoch over it."""
        self._epochs.take_over(state["epochs"])
