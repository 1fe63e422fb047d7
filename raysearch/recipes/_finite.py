"""Outcomes of a step that end a trial: a loss that is not finite, memory that does not suffice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from raysearch.errors import Diverged, OutOfMemory

EVERY = 50
"""Steps between two looks at a GPU."""


class Blame(NamedTuple):
    """Where a number that is not finite comes from, and what to do."""

    place: str
    remedy: str


_REMEDY = "lower `recipe.optimizer.lr`, add `recipe.schedule.warmup_steps`, or set `recipe.clip_norm`"
_LOSS, _SAMPLER = Blame("recipe.loss", _REMEDY), Blame("sampler", _REMEDY)


class FiniteCheck:
    """Watches the losses of all steps; reads a GPU every `EVERY` steps only.

    Args:
        loss: name of the loss, for the message.
        device: where the losses live.
        blames: for terms, or a loss, behind which stands another network than the one that is trained to restore.
    """

    def __init__(self, loss: str, device: torch.device, blames: Mapping[str, Blame] | None = None) -> None:
        self._loss = loss
        self._blames = blames or {}
        self._every = 1 if device.type == "cpu" else EVERY
        self._first_bad = torch.full((), -1, dtype=torch.int64, device=device)
        self._weights_bad = torch.zeros((), dtype=torch.bool, device=device)
        self._bad_terms: dict[tuple[str, ...], Tensor] = {}
        self._seen = 0

    def watch(self, step: int, loss: Tensor, weights: Tensor | None, terms: Mapping[str, Tensor] | None = None) -> None:
        """Take note of a step's loss and of the sampler's weights.

        Args:
            step: its number.
            loss: 0-dim, averaged over ranks, so that all ranks stop together.
            weights: the sampler's answer.
            terms: what the loss is the sum of, by name, also averaged over ranks; None where it is one.

        Raises:
            Diverged: this or an earlier loss is not finite.
        """
        bad = ~loss.isfinite() & (self._first_bad < 0)
        self._first_bad = torch.where(bad, step, self._first_bad)
        if weights is not None:
            self._weights_bad |= ~weights.sum().isfinite() & bad
        if terms:
            wrong = ~torch.stack(list(terms.values())).isfinite() & bad
            names = tuple(terms)
            self._bad_terms[names] = self._bad_terms[names] | wrong if names in self._bad_terms else wrong
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
        terms = self._bad()
        if bool(self._weights_bad.item()):
            what, blame = "the weights that the sampler gave", _SAMPLER
        else:
            what, blame = self._said(terms), self._blames.get(terms[0], _LOSS) if len(terms) == 1 else _LOSS
        raise Diverged(f"{what} became NaN or infinite in step {step}", place=blame.place, remedy=blame.remedy)

    def _bad(self) -> list[str]:
        """Return which terms went wrong first; the whole loss when none did alone (their sum overflowed) or there is only one."""
        bad = [name for names, wrong in self._bad_terms.items() for name, one in zip(names, wrong.tolist(), strict=True) if one]
        return bad or [self._loss]

    def _said(self, terms: list[str]) -> str:
        if terms == [self._loss]:
            return f"the loss `{self._loss}`"
        return f"{'terms' if len(terms) > 1 else 'the term'} {', '.join(f'`{name}`' for name in terms)} of the loss `{self._loss}`"


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
