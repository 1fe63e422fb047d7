"""Shared set-up: one torch thread (two on two busy cores are ten times slower) and shapes checked at run time."""

from __future__ import annotations

import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ["RAY_AUTH_MODE"] = "disabled"  # Ray can't change it within a process; the token is tested in a process of its own

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
import torch
from jaxtyping import install_import_hook

SHAPE_CHECKED = ("raysearch.tasks", "raysearch.models", "raysearch.losses", "raysearch.metrics", "raysearch.discriminators")
"""Packages whose components name shapes in their signatures and import `raysearch.shapes` at run time. Their ``base`` modules
are free of torch and name shapes for readers only, so they are not checked. A method there can't be annotated with ``Self``."""


def shape_checked_modules() -> list[str]:
    found = [
        (package, m.name) for package in SHAPE_CHECKED for m in pkgutil.iter_modules(importlib.import_module(package).__path__)
    ]
    return [f"{package}.{name}" for package, name in found if name != "base"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from dealing import Dealer

    return Dealer(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        from dealing import ray_first

        ray_first(items)


SHAPE_CHECKED_MODULES = shape_checked_modules()
install_import_hook(SHAPE_CHECKED_MODULES, "beartype.beartype")
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checked_modules() -> list[str]:
    """The modules whose shapes are checked at run time."""
    return SHAPE_CHECKED_MODULES


@pytest.fixture(scope="session")
def shared_ray() -> Iterator[str]:
    """The address of a Ray with two CPUs, for studies that don't mind what ran there before."""
    from machines import machines

    with machines(2) as cluster:
        yield cluster.address


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
