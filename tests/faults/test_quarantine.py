"""Machines on which trials fail at once."""

from __future__ import annotations

import pytest

from raysearch.search.quarantine import QUICK_S, Quarantine


def test_so_many_quick_failures_of_one_cause_in_a_row() -> None:
    found = Quarantine(3)
    assert [found.failed("a", "lost", 1.0) for _ in range(3)] == [False, False, True]
    assert found.bad == ("a",)
    assert found.avoided(["a", "b", "c"]) == ("a",)
    assert not found.failed("a", "lost", 1.0), "it is said once"


def test_the_last_machine_is_never_avoided() -> None:
    found = Quarantine(1)
    found.failed("a", "lost", 1.0)
    assert found.avoided(["a"]) == ()
    found.failed("b", "lost", 1.0)
    assert found.avoided(["a", "b"]) == (), "where all are bad the study is to blame, and its trials fail"
    assert found.avoided(["a", "b", "c"]) == ("a", "b")
    assert found.avoided(["c"]) == (), "one that is gone needs not be avoided"


@pytest.mark.parametrize("between", ["success", "another cause", "a slow failure"])
def test_what_says_that_the_machine_is_not_to_blame(between: str) -> None:
    found = Quarantine(2)
    found.failed("a", "lost", 1.0)
    if between == "success":
        found.succeeded("a")
    elif between == "another cause":
        found.failed("a", "out_of_memory", 1.0)
    else:
        assert not found.failed("a", "lost", QUICK_S + 1)
        assert found.failed("a", "lost", 1.0)
        return
    assert not found.failed("a", "lost", 1.0)


def test_nothing_is_avoided_when_nobody_wants_it() -> None:
    found = Quarantine(None)
    assert not any(found.failed("a", "lost", 0.0) for _ in range(50))
    assert not found.suspects
