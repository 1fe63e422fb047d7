"""The test files themselves: pytest imports each by its file name alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from dealing import starts_ray

TESTS = Path(__file__).parent


def test_no_two_test_files_have_the_same_name() -> None:
    """Two of one name are a collection error, but only where both are collected: one folder's tests alone don't show it."""
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert names.total() > 100
    assert [name for name, count in names.items() if count > 1] == []


def test_files_that_start_ray_are_told_from_others() -> None:
    assert starts_ray("tests/faults/test_in_ray.py::test_anything")
    assert not starts_ray("tests/losses/test_formulas.py::test_anything")
