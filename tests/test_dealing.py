"""The files themselves: pytest imports those of tests by their names alone, and none is long."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from dealing import ROOT, starts_ray

TESTS = Path(__file__).parent
LONGEST = 300


def test_no_two_test_files_have_the_same_name() -> None:
    """Two of one name are a collection error, but only where both are collected: one folder's tests alone don't show it."""
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert names.total() > 100
    assert [name for name, count in names.items() if count > 1] == []


def test_files_are_short() -> None:
    files = [path for folder in ("raysearch", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 500
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}, f"split those of more than {LONGEST} lines"


def test_files_that_start_ray_are_told_from_others() -> None:
    assert starts_ray("tests/faults/test_in_ray.py::test_anything")
    assert not starts_ray("tests/losses/test_formulas.py::test_anything")
