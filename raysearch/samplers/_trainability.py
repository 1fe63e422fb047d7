"""The arithmetic of trainabilities t: shares, objectives, statistics, the guard against collapse.

See `raysearch.samplers.patchnet` for what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.stats import rankdata
from torch import Tensor

from raysearch.errors import Diverged, StateDamaged
from raysearch.samplers._cells import CellMap

Objective = Literal["adversarial", "regress", "literal_min"]
Logits = Float[Tensor, "b head rows columns"]
OneImage = Float[Tensor, "1 1 rows columns"]
Valid = Bool[Tensor, "1 1 rows columns"]

SMALL = 1e-12
"""Keeps a quotient finite where an image has no loss at all."""

FLAT = 1e-3
"""A standard deviation of t inside images below this counts as no choice."""

PATIENCE = 200
"""Steps that the guard waits at least."""


def shares_of(log_t: CellMap, votes: OneImage) -> CellMap:
    """Return ``votes * t / sum(votes * t)`` per image: non-negative, with sum 1. Cells without a vote get 0."""
    weighed = log_t + votes.log()
    return weighed.flatten(1).softmax(1).view_as(log_t)


def objective_of(
    objective: Objective,
    logits: Logits,
    log_t: CellMap,
    shares: CellMap,
    losses: CellMap,
    valid: Valid,
    budget: float,
    target: float,
) -> Tensor:
    """Return what PatchNet descends, 0-dim; `losses` carry no gradient."""
    count = valid.sum()
    if objective == "regress":
        error = (logits - _standardised(losses, valid)) ** 2
        return (error * valid).sum() / (count * len(logits) * logits.shape[1])
    mean_loss = (losses * valid).sum((1, 2, 3)) / count
    relative = (shares * losses).sum((1, 2, 3)) / mean_loss.clamp(min=SMALL)
    sign = -1.0 if objective == "adversarial" else 1.0
    mean_t = (log_t.exp() * valid).sum() / (count * len(log_t))
    return sign * relative.mean() + budget * (mean_t - target) ** 2


def _standardised(losses: CellMap, valid: Valid) -> CellMap:
    """Return the log loss of each cell, less the image's mean and over its standard deviation; 0 where all are alike."""
    logs = losses.clamp(min=SMALL).log()
    count = valid.sum()
    centred = (logs - (logs * valid).sum((1, 2, 3), keepdim=True) / count) * valid
    spread = (centred.square().sum((1, 2, 3), keepdim=True) / count).sqrt()
    return centred / spread.clamp(min=1e-4)


def spread_within(log_t: CellMap) -> Tensor:
    """Return the standard deviation of t inside an image, averaged over images; cells without pixels (t = 0) are left out."""
    valid = log_t.isfinite()
    t = log_t.exp()
    count = valid.sum((1, 2, 3), keepdim=True).clamp(min=1)
    centred = (t - t.sum((1, 2, 3), keepdim=True) / count) * valid
    return (centred.square().sum((1, 2, 3)) / count.flatten()).sqrt().mean()


def statistics_of(log_t: CellMap, losses: CellMap) -> dict[str, float]:
    """Describe one step; see `PatchNetSampler.statistics`. Cells with ``log t`` of minus infinity are left out."""
    inside = log_t[0, 0].isfinite().flatten().cpu().numpy()
    t = log_t.exp().flatten(1).cpu().numpy()[:, inside]
    return {
        "mean_t": float(t.mean()),
        "std_t": float(t.std(axis=1).mean()),
        "kept_fraction": float((t > 0.5).mean()),
        "spearman": rank_correlation(t, losses.flatten(1).cpu().numpy()[:, inside]),
    }


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's correlation of the rows of two tables, averaged over rows; a row without variation counts as 0."""
    ranks = [rankdata(table, axis=1) for table in (one, other)]
    left, right = (table - table.mean(axis=1, keepdims=True) for table in ranks)
    norms = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    products = (left * right).sum(axis=1)
    return float(np.divide(products, norms, out=np.zeros_like(products), where=norms > 0).mean())


class Guard:
    """Ends a trial in which t has not varied inside images for an epoch, at least `PATIENCE` steps.

    It reads the device once per such period.
    """

    def __init__(self, device: torch.device) -> None:
        self._largest = torch.zeros((), device=device)
        self._steps = 0

    def watch(self, log_t: CellMap, steps_per_epoch: int) -> None:
        """Take note of a step.

        Raises:
            Diverged: t was flat throughout the period.
        """
        self._largest = torch.maximum(self._largest, spread_within(log_t))
        self._steps += 1
        if self._steps < max(PATIENCE, steps_per_epoch):
            return
        largest = self._largest.item()
        if not largest >= FLAT:
            raise Diverged(
                f"PatchNet has collapsed: for {self._steps} steps its trainabilities t varied by less than {FLAT} inside images "
                f"(largest standard deviation {largest:.1e}), so it chooses nothing",
                place="sampler",
                remedy="raise `sampler.lr` or `sampler.budget`, keep `sampler.bound` small, or use a smaller `sampler.cell`",
            )
        self._largest, self._steps = torch.zeros_like(self._largest), 0

    def state_dict(self) -> dict[str, object]:
        """Return what was seen in the current period."""
        return {"largest": self._largest, "steps": self._steps}

    def load_state_dict(self, state: object) -> None:
        """Continue exactly where `state_dict` was taken."""
        if not isinstance(state, Mapping):
            raise StateDamaged("the sampler's state does not hold PatchNet's guard")
        self._largest = state["largest"].to(self._largest.device)
        self._steps = state["steps"]
