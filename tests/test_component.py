"""Components: found by file name, strict in types, with errors that name the place."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from raysearch import component
from raysearch.component import Config, Kind
from raysearch.errors import SpecError
from raysearch.schedules.base import ScheduleConfig


class Inner(Config):
    rate: float = Field(0.5, ge=0, le=1)
    sizes: tuple[int, ...] = (1, 2)


class Outer(Config):
    inner: Inner = Inner()
    schedule: Annotated[ScheduleConfig, Kind("raysearch.schedules")]


def test_json_round_trip_is_equal() -> None:
    outer = Outer.parse({"inner": {"rate": 1, "sizes": [3]}, "schedule": {"kind": "cosine", "warmup_steps": 4}})
    assert Outer.parse(outer.model_dump(mode="json")) == outer
    assert outer.inner.rate == 1.0
    assert outer.inner.sizes == (3,)


def test_a_bare_name_is_a_component_with_its_defaults() -> None:
    assert Outer.parse({"schedule": "constant"}) == Outer.parse({"schedule": {"kind": "constant"}})


@pytest.mark.parametrize(
    ("data", "key", "part"),
    [
        ({"schedule": "constant", "inner": {"rate": "0.5"}}, "inner.rate", "number"),
        ({"schedule": "constant", "inner": {"rate": 2}}, "inner.rate", "less than or equal to 1"),
        ({"schedule": "constant", "inner": {"rate": True}}, "inner.rate", "number"),
        ({"schedule": {"kind": "constant", "warmup_steps": -1}}, "schedule.warmup_steps", "greater than or equal to 0"),
        ({"schedule": {"kind": "cosine", "warmup": 1}}, "schedule.warmup", "Extra inputs"),
        ({"schedule": {"kind": "cosin"}}, "schedule", "did you mean 'cosine'?"),
        ({"schedule": 3}, "schedule", "one of: constant, cosine, multistep"),
        ({"schedule": "constant", "inner": {"rate": float("nan")}}, "inner.rate", "finite"),
    ],
)
def test_problems_carry_the_whole_path(data: dict[str, object], key: str, part: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.parse(data)
    (problem,) = component.problems(caught.value)
    assert problem.key == key
    assert part in problem.message


def test_configs_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Inner().rate = 1.0  # type: ignore[misc]


def test_an_import_path_is_refused_unless_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpecError, match="--allow-import"):
        component.find("raysearch.schedules", "os.path")
    monkeypatch.setattr(component, "_imports_allowed", True)
    with pytest.raises(SpecError, match="can't be imported"):
        component.find("raysearch.schedules", "os.path")
    assert component.find("raysearch.schedules", "raysearch.schedules.cosine").__name__ == "Config"
