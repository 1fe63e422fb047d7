"""A network that takes its batch in pieces, so that only one piece's intermediate results are in memory at a time.

Losses, weights and gradients are those of the whole batch, up to rounding, as with gradient accumulation, but nothing outside knows
of the pieces: their outputs are put together, and on the way back each piece is computed once more (activation checkpointing, Chen
et al.: "Training deep nets with sublinear memory cost", 2016). That costs a second forward pass. Batch normalisation takes the
statistics of a piece; its running statistics are updated once for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from raysearch.models.base import Restoration


class InParts(nn.Module):
    """See the module's docstring; for training only.

    Args:
        net: a network as `raysearch.models.base` describes it, not wrapped.
        parts: how many pieces a batch is cut into.
    """

    def __init__(self, net: nn.Module, parts: int) -> None:
        super().__init__()
        self.net = net
        self._parts = parts

    def forward(self, degraded: Tensor, sigma_255: Tensor | None) -> Tensor | Restoration:
        """Restore a batch, whose first dimension is cut; see `raysearch.models.base`."""
        pieces = degraded.chunk(self._parts)
        levels = sigma_255.expand(len(degraded), *sigma_255.shape[1:]).chunk(self._parts) if sigma_255 is not None else None
        outputs = [self._piece(piece, None if levels is None else levels[number]) for number, piece in enumerate(pieces)]
        together = [output for output in outputs if isinstance(output, Restoration)]
        if not together:
            return torch.cat([output for output in outputs if isinstance(output, Tensor)])
        images = torch.cat([output.image for output in together])
        return Restoration(images, {name: torch.cat([output.extras[name] for output in together]) for name in together[0].extras})

    def _piece(self, degraded: Tensor, sigma_255: Tensor | None) -> Tensor | Restoration:
        if not torch.is_grad_enabled():
            restored: Tensor | Restoration = self.net(degraded, sigma_255)
            return restored
        again: Tensor | Restoration = checkpoint(
            self.net, degraded, sigma_255, use_reentrant=False, context_fn=self._first_and_second_time
        )
        return again

    def _first_and_second_time(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _statistics_kept(self.net)


@contextmanager
def _statistics_kept(net: nn.Module) -> Iterator[None]:
    """Let no running statistics change: the piece has been seen before."""
    norms = [module for module in net.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]
    before = [(module.momentum, module.num_batches_tracked) for module in norms]
    for module in norms:
        module.momentum = 0.0
        module.num_batches_tracked = None
    try:
        yield
    finally:
        for module, (momentum, count) in zip(norms, before, strict=True):
            module.momentum, module.num_batches_tracked = momentum, count


def bare(net: nn.Module) -> nn.Module:
    """Return a network without what was put around it for several workers or for pieces of a batch."""
    net = net.module if isinstance(net, nn.parallel.DistributedDataParallel) else net
    return net.net if isinstance(net, InParts) else net
