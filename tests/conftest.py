"""Shared set-up: one torch thread (two on two busy cores are ten times slower) and shapes checked at run time."""

from __future__ import annotations

import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import pytest
import torch
from jaxtyping import install_import_hook

install_import_hook("raysearch", "beartype.beartype")
torch.set_num_threads(1)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
