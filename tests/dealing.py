"""How tests are dealt to several processes (``pytest -n 2``): all that start Ray to one of them, the others file by file."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]


def starts_ray(nodeid: str) -> bool:
    """Whether a test stands in a file that has tests which start Ray."""
    return "mark.ray" in (ROOT / nodeid.partition("::")[0]).read_text(encoding="utf-8")


class Dealer(LoadScopeScheduling):  # type: ignore[misc]  # untyped
    """Deals whole files, so that what a file's tests share is made once; those that start Ray count as one file."""

    def _split_scope(self, nodeid: str) -> str:
        return "ray" if starts_ray(nodeid) else nodeid.partition("::")[0]


def ray_first(items: list[pytest.Item]) -> None:
    """Put the tests that start Ray, which mostly wait, at the beginning: what one process has to do alone must not come last."""
    first = {nodeid: starts_ray(nodeid) for nodeid in {item.nodeid.partition("::")[0] for item in items}}
    items.sort(key=lambda item: not first[item.nodeid.partition("::")[0]])
