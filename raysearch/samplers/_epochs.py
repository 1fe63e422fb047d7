"""The order in which rows are visited: every row once per epoch, in a new random order each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from raysearch.errors import StateDamaged
from raysearch.rng import torch_generator
from raysearch.shapes import Rows


class Epochs:
    """Draws rows without replacement, epoch after epoch. A batch may end one epoch and begin the next.

    The state is small (a generator state and a position, not the permutation), so a checkpoint of a large index stays small.

    Args:
        rows: the row numbers to visit, int64, on the CPU, at least one.
        seed: seed of the order.
    """

    def __init__(self, rows: Rows, seed: int) -> None:
        self._rows = rows
        self._generator = torch_generator(seed, "epochs")
        self._draw()

    def _draw(self) -> None:
        self._before = self._generator.get_state()
        self._order = torch.randperm(len(self._rows), generator=self._generator)
        self._position = 0

    def take(self, count: int) -> Rows:
        """Return the next ``count`` row numbers (int64, on the CPU)."""
        parts: list[Tensor] = []
        while count > 0:
            if self._position == len(self._order):
                self._draw()
            part = self._order[self._position : self._position + count]
            self._position += len(part)
            count -= len(part)
            parts.append(part)
        return self._rows[torch.cat(parts)] if parts else self._rows[:0]

    def state_dict(self) -> dict[str, object]:
        """Return the generator state before the current permutation, the position in it, and the number of rows."""
        return {"generator": self._before.clone(), "position": self._position, "count": len(self._rows)}

    def load_state_dict(self, state: object) -> None:
        """Continue exactly where `state_dict` was taken.

        Raises:
            StateDamaged: the state is of another number of rows, or none at all.
        """
        if not isinstance(state, Mapping):
            raise StateDamaged("the sampler's state does not hold the order of the patches")
        if state["count"] != len(self._rows):
            raise StateDamaged(
                f"the sampler's state is of {state['count']} patches, but there are {len(self._rows)}",
                remedy="the training data or the sampler's settings have changed since the checkpoint; start the trial anew",
            )
        self._go_back(state)
        self._position = state["position"]

    def take_over(self, state: object) -> None:
        """Continue from the state of an order of perhaps other rows: of as many where it was, of more or fewer with a new epoch."""
        if isinstance(state, Mapping) and state["count"] != len(self._rows):
            self._go_back(state)
        else:
            self.load_state_dict(state)

    def _go_back(self, state: Mapping[str, Any]) -> None:
        """Draw the epoch again that was drawn before ``state`` was taken."""
        self._generator.set_state(state["generator"].cpu())
        self._draw()
