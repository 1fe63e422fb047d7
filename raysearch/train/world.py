"""The workers that train one trial together: one process, or the ranks of a torch process group.

`fit` is written once for both. Every rank runs the same code in lockstep; what may differ between ranks goes through a `World`.
Only tensors travel, nothing is pickled.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from raysearch.errors import SpecError


class World(ABC):
    """A group of workers. Every method but `wrap` is a collective: all ranks call it, in the same order, with equal shapes."""

    @property
    @abstractmethod
    def rank(self) -> int:
        """Number of this worker, from 0. Rank 0 reports and writes files."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of workers."""

    @abstractmethod
    def agree(self, tensor: Tensor) -> Tensor:
        """Return rank 0's tensor on every rank; shape and type must be equal everywhere."""

    @abstractmethod
    def gather(self, tensor: Tensor) -> Tensor:
        """Return the tensors of all ranks, joined along the first dimension in the order of ranks."""

    @abstractmethod
    def total(self, tensor: Tensor) -> Tensor:
        """Return the sum over ranks."""

    @abstractmethod
    def mean(self, tensor: Tensor) -> Tensor:
        """Return the mean over ranks."""

    @abstractmethod
    def barrier(self) -> None:
        """Wait until every rank is here."""

    @abstractmethod
    def wrap(self, net: nn.Module) -> nn.Module:
        """Return the network in the form that averages gradients over ranks; it starts from rank 0's weights."""


class SingleWorld(World):
    """One worker: everything is the identity."""

    @property
    def rank(self) -> int:
        """0."""
        return 0

    @property
    def size(self) -> int:
        """1."""
        return 1

    def agree(self, tensor: Tensor) -> Tensor:
        """Return the tensor itself."""
        return tensor

    def gather(self, tensor: Tensor) -> Tensor:
        """Return the tensor itself."""
        return tensor

    def total(self, tensor: Tensor) -> Tensor:
        """Return the tensor itself."""
        return tensor

    def mean(self, tensor: Tensor) -> Tensor:
        """Return the tensor itself."""
        return tensor

    def barrier(self) -> None:
        """Return at once."""

    def wrap(self, net: nn.Module) -> nn.Module:
        """Return the network itself."""
        return net


class DistributedWorld(World):
    """The ranks of the default process group of ``torch.distributed``, which the caller has initialised (gloo or nccl).

    Tensors on the CPU travel over gloo also when the group is nccl, so that agreeing on row numbers synchronises no GPU.

    Args:
        device: where this rank's network lives.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._rank = dist.get_rank()
        self._size = dist.get_world_size()
        default = dist.group.WORLD
        self._cpu = dist.new_group(backend="gloo") if dist.get_backend() != "gloo" else default

    @property
    def rank(self) -> int:
        """The rank in the process group."""
        return self._rank

    @property
    def size(self) -> int:
        """The size of the process group."""
        return self._size

    def agree(self, tensor: Tensor) -> Tensor:
        """Broadcast from rank 0."""
        shared = tensor.contiguous().clone()
        dist.broadcast(shared, src=0, group=self._group(tensor))
        return shared

    def gather(self, tensor: Tensor) -> Tensor:
        """All-gather."""
        own = tensor.contiguous()
        parts = [torch.empty_like(own) for _ in range(self._size)]
        dist.all_gather(parts, own, group=self._group(tensor))
        return torch.cat(parts)

    def total(self, tensor: Tensor) -> Tensor:
        """All-reduce."""
        summed = tensor.contiguous().clone()
        dist.all_reduce(summed, group=self._group(tensor))
        return summed

    def mean(self, tensor: Tensor) -> Tensor:
        """All-reduce, then divide."""
        return self.total(tensor) / self._size

    def barrier(self) -> None:
        """Wait on the CPU group."""
        dist.barrier(group=self._cpu)

    def wrap(self, net: nn.Module) -> nn.Module:
        """Wrap with DistributedDataParallel; a network without parameters is returned as it is."""
        if not any(p.requires_grad for p in net.parameters()):
            return net
        on_gpu = self._device.type == "cuda"
        return DistributedDataParallel(net, device_ids=[self._device] if on_gpu else None)

    def _group(self, tensor: Tensor) -> dist.ProcessGroup | None:
        return self._cpu if tensor.device.type == "cpu" else dist.group.WORLD


def share_of(world: World, batch: int) -> slice:
    """Return this rank's part of a global batch.

    Raises:
        SpecError: the batch can't be divided evenly (gradients are averaged over ranks, so uneven parts would weigh unevenly).
    """
    if batch % world.size:
        raise SpecError(
            f"a batch of {batch} can't be divided evenly among {world.size} workers",
            place="trial.batch",
            remedy=f"choose a multiple of {world.size}, or other resources.workers",
        )
    each = batch // world.size
    return slice(world.rank * each, (world.rank + 1) * each)


def agree_on_bytes(world: World, blob: bytes | None) -> bytes | None:
    """Return rank 0's bytes (or None) on every rank; the other ranks' argument is ignored."""
    length = world.agree(torch.tensor([-1 if blob is None else len(blob)], dtype=torch.int64))
    if int(length) <= 0:
        return None if int(length) < 0 else b""
    if world.rank == 0 and blob is not None:
        own = torch.frombuffer(bytearray(blob), dtype=torch.uint8)
    else:
        own = torch.empty(int(length), dtype=torch.uint8)
    return world.agree(own).numpy().tobytes()
