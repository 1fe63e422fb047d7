"""Ray clusters of several machines on this one, for tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

HERE = Path(__file__).parent
STANDINS = (HERE / "search", HERE / "faults")
"""Folders of the functions that stand in for training."""


@contextmanager
def machines(*cpus: int) -> Iterator[Cluster]:
    """A cluster of one machine for each number of CPUs; the first is its head."""
    with pytest.MonkeyPatch.context() as patch:  # the machines' processes look for modules where those look that started them
        patch.setenv("PYTHONPATH", os.pathsep.join([*map(str, STANDINS), os.environ.get("PYTHONPATH", "")]))
        cluster = Cluster()
        try:
            for count in cpus:
                add_machine(cluster, count)
            yield cluster
        finally:
            cluster.shutdown()


def add_machine(cluster: Cluster, cpus: int) -> None:
    """Start another machine."""
    cluster.add_node(num_cpus=cpus, num_gpus=0, include_dashboard=False, object_store_memory=100 * 2**20)
