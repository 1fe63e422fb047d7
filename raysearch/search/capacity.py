"""What a cluster can hold, in plain numbers: the preflight asks it without importing Ray."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """One machine of a cluster: logical CPUs and GPUs that Ray may hand out."""

    cpus: float
    gpus: float


@dataclass(frozen=True)
class Capacity:
    """All machines of a cluster."""

    nodes: tuple[Node, ...]

    @property
    def cpus(self) -> float:
        """CPUs of all machines."""
        return sum(node.cpus for node in self.nodes)

    @property
    def gpus(self) -> float:
        """GPUs of all machines."""
        return sum(node.gpus for node in self.nodes)

    def workers(self, cpus: float, gpus: float) -> int:
        """Return how many workers of that size fit at once; a worker never spans two machines."""
        return sum(_slots(node, cpus, gpus) for node in self.nodes)

    def concurrent(self, workers: int, cpus: float, gpus: float) -> int:
        """Return how many trials of ``workers`` workers each fit at once; 0 means that not even one does."""
        return self.workers(cpus, gpus) // workers


def _slots(node: Node, cpus: float, gpus: float) -> int:
    tolerance = 1e-6  # 10 workers of 0.1 GPU fit on one GPU
    by_cpu = math.floor(node.cpus / cpus + tolerance) if cpus > 0 else math.inf
    by_gpu = math.floor(node.gpus / gpus + tolerance) if gpus > 0 else math.inf
    least = min(by_cpu, by_gpu)
    return 0 if math.isinf(least) else int(least)


ANY_CAPACITY = Capacity((Node(1e6, 1e6),))
"""For a cluster that is not connected yet: nothing is refused for want of machines before it is."""
