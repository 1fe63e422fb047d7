from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_study import TRIAL, study

from raysearch.results.events import Status
from raysearch.results.record import TrialRecord
from raysearch.search.importance import importance_of

TWO = {**TRIAL, "model": {"kind": "dncnn", "depth": {"int": [3, 20]}}}


def record(number: int, values: dict[str, Any], value: float | None, status: Status = "finished") -> TrialRecord:
    return TrialRecord(number, "search", "suggested", None, values, {}, 0, 40, status, 40, value, 0.0, "", 0, {}, (), 0.0)


def test_the_value_that_matters_is_found_the_same_way_twice() -> None:
    draw = np.random.default_rng(0)
    records = []
    for number in range(60):
        lr, depth = float(10 ** draw.uniform(-4, -2)), int(draw.integers(3, 21))
        records.append(record(number, {"recipe.optimizer.lr": lr, "model.depth": depth}, np.log10(lr) + 0.001 * depth))
    records.append(record(60, {"recipe.optimizer.lr": 1e-4, "model.depth": 3}, None, "failed"))
    found = importance_of(study(trial=TWO), records)
    shares = found["parameters"]
    assert isinstance(shares, dict)
    assert shares["recipe.optimizer.lr"] > 0.8
    assert sum(shares.values()) == pytest.approx(1.0)
    assert found["trials"] == 60
    assert importance_of(study(trial=TWO), records) == found


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([(1e-3, 1.0)] * 3, "too few"),
        ([(1e-3, float(i)) for i in range(9)], "no value varies"),
        ([(1e-3 + i * 1e-5, 1.0) for i in range(9)], "the same value"),
    ],
)
def test_what_can_not_be_said_is_not_said(values: list[tuple[float, float]], reason: str) -> None:
    records = [record(number, {"recipe.optimizer.lr": lr}, value) for number, (lr, value) in enumerate(values)]
    found = importance_of(study(), records)
    assert found["parameters"] == {}
    assert reason in str(found["reason"])
