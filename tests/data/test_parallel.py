from __future__ import annotations

import threading
import time

import pytest

from raysearch.data.parallel import cores, in_order


def test_results_come_in_order_and_in_parallel() -> None:
    def work(item: int) -> tuple[int, int]:
        time.sleep(0.002 * (item % 3))
        return item, threading.get_ident()

    results = list(in_order(work, range(30)))
    assert [item for item, _ in results] == list(range(30))
    assert threading.get_ident() not in {thread for _, thread in results}


def test_never_far_ahead_of_the_consumer() -> None:
    started = []
    results = in_order(lambda item: started.append(item), range(1000))
    next(results)
    time.sleep(0.05)
    assert len(started) <= 2 * cores() + 1
    results.close()


def test_an_error_reaches_the_consumer() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda item: 1 // item, [1, 0, 2]))
