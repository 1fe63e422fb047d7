"""What `bench overhead` measures, on a load that is small enough for a test."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from raysearch.search import overhead
from raysearch.search.overhead import _Gauge, load, load_of_tune, with_optuna


def test_the_window_reaches_from_when_all_run_to_the_first_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, work, memory = [0.0], [0.0], [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "process_time", lambda: work[0])
    monkeypatch.setattr(overhead, "resident_mb", lambda: memory[0])
    gauge = _Gauge(2)

    def at(moment: float, worked: float, trial: int) -> None:
        clock[0], work[0] = moment, worked
        gauge.reported(trial)

    at(1, 0.9, 0)
    at(2, 1.0, 1)  # both run: the window begins
    at(3, 1.1, 0)
    memory[0] = 104.0
    at(6, 1.2, 1)
    gauge.over()
    memory[0] = 900.0
    at(7, 9.0, 1)
    gauge.over()
    found = gauge.load()
    assert (found.trials, found.seconds, found.reports_per_second) == (2, 4, 2 / 4)
    assert found.cpu_share == pytest.approx(0.2 / 4)
    assert (found.memory_mb, found.grown_mb) == (104, 4)


def test_a_window_that_never_was_is_no_measurement() -> None:
    gauge = _Gauge(2)
    gauge.reported(0)
    gauge.over()
    gauge.reported(1)
    with pytest.raises(RuntimeError, match="give them more seconds"):
        gauge.load()


def test_bare_optuna_takes_next_to_nothing() -> None:
    assert 0 < with_optuna(5, 3) < 1


@pytest.mark.ray
def test_both_sides_are_measured_under_the_same_load(tmp_path: Path) -> None:
    for side in (load, load_of_tune):
        found = side(tmp_path / side.__name__, trials=1, seconds=4)
        assert found.trials == 1
        assert 0.5 < found.reports_per_second < 1.5, "one trial, once a second"
        assert 0 < found.cpu_share < 2
