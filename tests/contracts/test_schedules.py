"""What every learning-rate schedule promises."""

from __future__ import annotations

import pytest

from raysearch.component import find, names
from raysearch.schedules.base import ScheduleConfig

KINDS = names("raysearch.schedules")


def config_of(kind: str, **changes: object) -> ScheduleConfig:
    config = find("raysearch.schedules", kind).parse({"kind": kind, **changes})
    assert isinstance(config, ScheduleConfig)
    return config


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 2, 7, 100])
@pytest.mark.parametrize("warmup", [0, 1, 5, 200])
def test_factors_are_in_range(kind: str, steps: int, warmup: int) -> None:
    config = config_of(kind, warmup_steps=warmup)
    assert all(0 <= config.factor(step, steps) <= 1 for step in range(steps))


@pytest.mark.parametrize("kind", KINDS)
def test_the_warm_up_rises_linearly_to_the_peak(kind: str) -> None:
    config = config_of(kind, warmup_steps=4)
    assert [config.factor(step, 100) for step in range(5)] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])


@pytest.mark.parametrize("kind", KINDS)
def test_it_starts_at_the_peak_and_never_rises_after_the_warm_up(kind: str) -> None:
    config = config_of(kind)
    factors = [config.factor(step, 50) for step in range(50)]
    assert factors[0] == 1.0
    assert factors == sorted(factors, reverse=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_round_trips(kind: str) -> None:
    config = config_of(kind, warmup_steps=3)
    assert type(config).parse(config.model_dump(mode="json")) == config
