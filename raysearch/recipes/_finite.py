"""Outcomes of a step that end a trial: a loss that is not finite, memory that does not suffice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from raysearch.errors import Diverged, OutOfMemory

EVERY = 50
"""Steps between two looks at a GPU."""


class FiniteCheck:
    """Watches the losses of all steps; reads a GPU every `EVERY` steps only.

    Args:
        loss: name of the loss, for the message.
        device: where the losses live.
    """

    def __init__(self, loss: str, device: torch.device) -> None:
        self._loss = loss
        self._every = 1 if device.type == "cpu" else EVERY
        self._first_bad = torch.full((), -1, dtype=torch.int64, device=device)
        self._weights_bad = torch.zeros((), dtype=torch.bool, device=device)
        self._seen = 0

    def watch(self, step: int, loss: Tensor, weights: Tensor | None) -> None:
        """Take note of a step's loss (averaged over ranks, so that all ranks stop together) and of the sampler's weights.

        Raises:
            Diverged: this or an earlier loss is not finite.
        """
        bad = ~loss.isfinite() & (self._first_bad < 0)
        self._first_bad = torch.where(bad, step, self._first_bad)
        if weights is not None:
            self._weights_bad |= ~weights.sum().isfinite() & bad
        self._seen += 1
        if self._seen >= self._every:
            self.check()

    def check(self) -> None:
        """Read the device.

        Raises:
            Diverged: a loss since the start was not finite; the message names the term and the step.
        """
        self._seen = 0
        step = int(self._first_bad.item())
        if step < 0:
            return
        term = "the weights that the sampler gave" if self._weights_bad.item() else f"the loss `{self._loss}`"
        raise Diverged(
            f"{term} became NaN or infinite in step {step}",
            place="recipe.loss" if term.startswith("the loss") else "sampler",
            remedy="lower `recipe.optimizer.lr`, add `recipe.schedule.warmup_steps`, or set `recipe.clip_norm`",
        )


@contextmanager
def out_of_memory_named(shape: tuple[int, ...]) -> Iterator[None]:
    """Turn a lack of memory, of the device or of the host, into `OutOfMemory`; ``shape`` is the batch's."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _named(shape, error) from error
    except RuntimeError as error:
        if "DefaultCPUAllocator" not in str(error):
            raise
        raise _named(shape, error) from error


def _named(shape: tuple[int, ...], error: Exception) -> OutOfMemory:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return OutOfMemory(
        f"memory did not suffice for a step on a batch of shape {shape}: {reason}",
        remedy="lower `batch`, `patch.size` or the network's width",
    )
