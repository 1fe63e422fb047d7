"""Spaces with constraints, and leaves that vary together."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest

from raysearch.errors import SpecError
from raysearch.spec.constraints import Dice, Values
from raysearch.spec.domains import Choice, Float, Int, Ordered
from raysearch.spec.expression import parse
from raysearch.spec.space import Space

SHAPES: dict[str, Any] = {
    "patch": {"size": {"pow2": [16, 128]}},
    "batch": {"int": [1, 64], "log": True},
    "sampler": {"one_of": ["uniform", {"kind": "gradient", "keep": {"float": [0.1, 1.0]}}]},
}
CONSTRAINTS = [parse("patch.size * batch <= 512"), parse("sampler.keep * batch >= 2")]
SPACE = Space.parse(SHAPES).under(CONSTRAINTS)

TRIAL: dict[str, Any] = {
    "data": "photos",
    "patch": {"size": {"zip": "shape", "values": [32, 64, 128]}},
    "task": "demosaic",
    "model": {"kind": "deepjdd", "padding": "same", "depth": 3, "width": {"zip": "net", "values": [16, 8]}},
    "batch": {"zip": "shape", "values": [32, 8, 2]},
    "sampler": "uniform",
    "recipe": {"kind": "supervised", "loss": "l2", "optimizer": "adam", "schedule": "constant"},
    "augment": {"zip": "net", "values": ["none", "flips"]},
}


def good(assignment: dict[str, Any]) -> bool:
    keep = assignment.get("sampler.gradient.keep", math.inf)
    return assignment["patch.size"] * assignment["batch"] <= 512 and keep * assignment["batch"] >= 2


def test_what_is_allowed_is_what_meets_every_constraint_that_applies() -> None:
    free = Space.parse(SHAPES)
    seen = Counter()
    for drawn in free.draws(300):
        assert SPACE.allows(drawn) is good(drawn)
        seen[good(drawn)] += 1
    assert min(seen.values()) > 50
    assert all(good(drawn) for drawn in SPACE.draws(100, seed=3))
    assert list(SPACE.draws(100, seed=3)) == list(SPACE.draws(100, seed=3)) != list(SPACE.draws(100, seed=4))


def test_corners_and_pairs_meet_constraints_and_still_every_end_that_can_be_met() -> None:
    corners = list(SPACE.corners())
    assert all(good(corner) for corner in [*corners, *SPACE.pairs()])
    met = {(name, value) for corner in corners for name, value in corner.items()}
    assert {("patch.size", 16), ("patch.size", 128), ("batch", 1)} <= met
    assert ("batch", 64) not in met, "64 * 16 is too many"
    assert ("sampler.gradient.keep", 0.1) in met, "found by drawing: it needs batches of 20 and small patches"


def test_a_grid_is_filtered_and_counted() -> None:
    space = Space.parse({"a": {"int": [1, 6]}, "b": {"ordered": ["x", "y"]}}).under([parse("a % 2 == 0 or b == 'y'")])
    grid = list(space.grid())
    assert len(grid) == space.size() == 9
    assert all(one["a"] % 2 == 0 or one["b"] == "y" for one in grid)  # type: ignore[operator]


def test_defaults_of_components_have_names_too() -> None:
    space = Space.parse(TRIAL).under([parse("evaluate.every * steps <= 500000"), parse("patch.size * task.scale <= 100")])
    drawn = space.complete({})
    values = Values(space.draft(drawn).data)
    assert values("steps") == 1000
    assert "recipe.optimizer.lr" in values.names()
    with pytest.raises(KeyError):
        values("task.scale")  # demosaicing has none: the constraint does not apply
    assert space.allows(drawn)
    assert not space.under([parse("steps < 1000")]).allows(drawn)


def test_a_constraint_with_wrong_types_is_told() -> None:
    with pytest.raises(SpecError, match="needs numbers"):
        Space.parse(TRIAL).under([parse("model.kind * 2 <= 4")]).allows(Space.parse(TRIAL).complete({}))


def test_leaves_of_a_group_take_their_values_together() -> None:
    space = Space.parse(TRIAL)
    assert list(space.domains) == ["shape", "net"]
    assert space.domains["shape"] == Ordered(("32, 32", "64, 8", "128, 2"), "zip")
    assert space.domains["net"] == Choice(("16, none", "8, flips")), "text has no order"
    pairs = set()
    for assignment in space.grid():
        trial = space.bind(assignment, 0)
        pairs.add((trial.patch.size, trial.batch))
    assert pairs == {(32, 32), (64, 8), (128, 2)}
    draft = space.draft({"shape": "64, 8", "net": "16, none"})
    assert draft.origin(("batch",)) == ("batch", "values", 1)
    assert draft.origin(("patch", "size")) == ("patch", "size", "values", 1)


def test_published_values_may_name_the_leaves_of_a_group() -> None:
    space = Space.parse(TRIAL)
    assert space.resolve({"batch": 8})["shape"] == "64, 8"
    assert space.resolve({"batch": 8, "patch.size": 64, "net": "8, flips"}) == {"shape": "64, 8", "net": "8, flips"}
    with pytest.raises(SpecError, match="no row of zip shape"):
        space.resolve({"batch": 8, "patch.size": 32})


def test_a_group_may_lie_in_a_branch() -> None:
    branch = {"kind": "gradient", "keep": {"zip": "g", "values": [0.5, 0.2]}, "score": {"zip": "g", "values": ["std", "gradient"]}}
    space = Space.parse({"x": {"choice": [1, 2]}, "sampler": {"one_of": ["uniform", branch]}, "y": {"choice": [3, 4]}})
    assert list(space.domains) == ["x", "sampler", "g", "y"]
    assert len(list(space.grid())) == 2 * 2 * (1 + 2)
    assert space.resolve({"sampler.score": "std"})["sampler"] == "gradient"
    data = space.draft(space.complete({"g": "0.2, gradient"})).data
    assert data["sampler"] == {"kind": "gradient", "keep": 0.2, "score": "gradient"}


@pytest.mark.parametrize(
    ("template", "path", "reason"),
    [
        ({"a": {"zip": "g", "values": [1, 2]}}, ("a", "zip"), "only leaf"),
        ({"a": {"zip": "g", "values": [1, 2]}, "b": {"zip": "g", "values": [1]}}, ("b", "values"), "has 1 values"),
        ({"a": {"zip": "g", "values": [1, 1]}, "b": {"zip": "g", "values": [2, 2]}}, ("a", "values", 1), "stands twice"),
        ({"a": {"zip": "b", "values": [1, 2]}, "b": {"choice": [1]}, "c": {"zip": "b", "values": [1, 2]}}, ("a", "zip"), "name of"),
        ({"a": {"zip": "g", "values": [1, 2]}, "b": {"one_of": [1, {"c": {"zip": "g", "values": [1, 2]}}]}}, None, "together"),
        ({"a": {"zip": "g", "values": [1, [2]]}}, ("a", "values", 1), "plain values"),
        ({"a": {"zip": "no name", "values": [1]}}, ("a", "zip"), "no name"),
        ({"a": {"zip": "g"}}, ("a", "values"), "needs a list"),
        ({"a": {"pow2": [8, 100]}}, ("a", "pow2", 1), "no power of two"),
        ({"a": {"pow2": [8, 4]}}, ("a", "pow2"), "inverted"),
        ({"a": {"pow2": 8}}, ("a", "pow2"), "two numbers"),
        ({"a": {"pow2": [0.5, 4]}}, ("a", "pow2", 0), "whole number"),
        ({"a": {"ordered": [1, 1]}}, ("a", "ordered", 1), "twice"),
        ({"a": {"ordered": [1, 2], "log": True}}, ("a", "log"), "not a part"),
    ],
)
def test_every_mistake_has_a_place(template: dict[str, Any], path: tuple[object, ...] | None, reason: str) -> None:
    faults = Space.read(template)[1]
    found = [fault for fault in faults if reason in fault.reason]
    assert len(found) == 1
    assert path is None or found[0].path == path
    assert found[0].remedy


class Positions:
    """A suggester that takes the highest number of everything and keeps note of what it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, tuple[int, int]] = {}

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        self.asked[name] = (low, high)
        return high

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        raise AssertionError(name)

    suggest_categorical = suggest_float  # type: ignore[assignment]


def test_ordered_values_are_positions_for_a_model_and_values_for_everyone_else() -> None:
    space = Space.parse({"a": {"ordered": ["none", "flips", "all"]}, "b": {"pow2": [8, 64]}})
    model = Positions()
    assignment = space.sample(model)
    assert assignment == {"a": "all", "b": 64}
    assert model.asked == {"a": (0, 2), "b": (0, 3)}
    assert space.encode(assignment) == {"a": 2, "b": 3}
    assert space.complete({}) == {"a": "flips", "b": 32}
    assert space.fits({"a": "none", "b": 16})
    assert not space.fits({"a": "none", "b": 24})
    assert Ordered((8, 16, 32, 64), "pow2").origin(16) == ()
    assert Ordered((8, 16, 32, 64), "pow2").origin(64) == ("pow2", 1)


@pytest.mark.parametrize("domain", [Int(1, 64, log=True), Float(1e-4, 1e-1, log=True)])
def test_logarithmic_draws_are_even_in_the_logarithm(domain: Any) -> None:
    dice = Dice(0)
    middle = math.sqrt(domain.low * domain.high)
    below = sum(domain.suggest("", dice) < middle for _ in range(2000))
    assert abs(below - 1000) < 200


@pytest.mark.parametrize("domain", [Int(2, 8, 3), Float(0.0, 0.3, step=0.1), Choice((1, "a", None))])
def test_draws_meet_every_value(domain: Any) -> None:
    dice = Dice(1)
    assert {domain.suggest("", dice) for _ in range(200)} == set(domain.values)
