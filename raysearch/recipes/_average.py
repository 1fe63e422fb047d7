"""An exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from raysearch.errors import StateDamaged


class Average:
    """A copy of a network that follows it slowly: parameters and floating-point buffers are averaged, other buffers copied.

    In update n (from 1) the decay is ``min(decay, (1 + n) / (10 + n))``, so that the initial weights are forgotten soon.

    Args:
        net: the network to follow, not wrapped.
        decay: share of the old average that each update keeps, in (0, 1).
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self._decay = decay
        self._updates = 0
        self.net = copy.deepcopy(net).requires_grad_(False)

    @torch.no_grad()
    def follow(self, net: nn.Module) -> None:
        """Take in the network's present weights."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        pairs = list(zip(_tensors(self.net), _tensors(net), strict=True))
        averaged = [(mine, theirs) for mine, theirs in pairs if mine.is_floating_point()]
        move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        move([mine for mine, _ in averaged], [theirs for _, theirs in averaged], self._updates)
        for mine, theirs in pairs:
            if not mine.is_floating_point():
                mine.copy_(theirs)

    def state_dict(self) -> dict[str, object]:
        """Return the averaged network and the number of updates."""
        return {"net": dict(self.net.state_dict()), "updates": self._updates}

    def load_state_dict(self, state: object) -> None:
        """Continue exactly where `state_dict` was taken."""
        if not isinstance(state, dict):
            raise StateDamaged("the recipe's state does not hold an average of the weights")
        self.net.load_state_dict(state["net"])
        self._updates = state["updates"]


def _tensors(net: nn.Module) -> list[Tensor]:
    return [*net.parameters(), *net.buffers()]
