from __future__ import annotations

import pytest

from raysearch.search.capacity import Capacity, Node


@pytest.mark.parametrize(
    ("nodes", "workers", "cpus", "gpus", "fit"),
    [
        ([(2, 0)], 1, 1, 0, 2),
        ([(2, 0)], 2, 1, 0, 1),
        ([(2, 0)], 3, 1, 0, 0),
        ([(1, 0), (1, 0)], 2, 1, 0, 1),
        ([(3, 0), (3, 0)], 1, 2, 0, 2),  # a worker does not span machines
        ([(8, 1)], 1, 1, 0.1, 8),
        ([(16, 1)], 1, 1, 0.1, 10),
        ([(16, 4), (16, 4)], 2, 4, 1, 4),
        ([(0, 0), (4, 0)], 1, 1, 0, 4),  # a head without CPUs
        ([(4, 0)], 1, 1, 1, 0),
    ],
)
def test_trials_that_fit(nodes: list[tuple[int, int]], workers: int, cpus: int, gpus: float, fit: int) -> None:
    capacity = Capacity(tuple(Node(float(cpu), float(gpu)) for cpu, gpu in nodes))
    assert capacity.concurrent(workers, cpus, gpus) == fit
