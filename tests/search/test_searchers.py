"""That each searcher finds more than chance does where it should, and covers more evenly."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats.qmc import discrepancy

from raysearch.component import find
from raysearch.results.goals import Goal, Goals
from raysearch.results.pareto import hypervolume
from raysearch.search.proposals import Proposer
from raysearch.search.searchers._flat import distributions
from raysearch.search.searchers._unit import unit_of, value_at
from raysearch.search.searchers.tpe import good_trials
from raysearch.spec.space import Space

Values = dict[str, Any]
NUMBERS = Space.parse({name: {"float": [0.0, 1.0]} for name in "abcd"})
MIXED = Space.parse(
    {
        "lr": {"float": [1e-5, 1e-1], "log": True},
        "net": {"one_of": [{"kind": "small"}, {"kind": "large", "width": {"pow2": [4, 64]}}]},
        "batch": {"int": [1, 64], "log": True},
    }
)


def search(kind: str, space: Space, objective: Callable[[Values], tuple[float, ...]], count: int, seed: int, **fields: Any) -> Any:
    config = find("raysearch.search.searchers", kind).parse({"kind": kind, **fields})
    goals = Goals(tuple(Goal(name, "min") for name in ("psnr", "macs_g")[: len(objective(space.complete({})))]))
    proposer = Proposer(space, config, goals, seed, ())  # type: ignore[arg-type]
    told = []
    for number in range(count):
        proposal = proposer.suggest(number)
        assert proposal is not None
        told.append(objective(proposal.values))
        proposer.tell(number, "finished", told[-1])
    return told


def sphere(values: Values) -> tuple[float, ...]:
    """A rotated bowl with its bottom off the middle."""
    x = np.array([values[name] for name in "abcd"]) - np.array([0.3, 0.7, 0.6, 0.2])
    return (float(x @ x + 0.8 * (x[0] - x[1]) ** 2),)


def mixed(values: Values) -> tuple[float, ...]:
    off = (math.log10(values["lr"]) + 3) ** 2 + (math.log2(values["batch"]) - 3) ** 2 / 4
    return (off + (2.0 if values["net"] == "small" else abs(math.log2(values["net.large.width"]) - 5) / 2),)


@pytest.mark.parametrize(
    ("kind", "space", "objective", "count", "fields"),
    [
        ("cmaes", NUMBERS, sphere, 120, {}),
        ("tpe", MIXED, mixed, 40, {}),
        ("gp", MIXED, mixed, 25, {}),
        ("nsga2", MIXED, mixed, 120, {"population": 10}),
    ],
)
def test_a_model_finds_more_than_chance(kind: str, space: Space, objective: Any, count: int, fields: Values) -> None:
    seeds = range(1 if kind == "gp" else 3)
    best = statistics.median(min(search(kind, space, objective, count, seed, **fields))[0] for seed in seeds)
    chance = statistics.median(min(search("random", space, objective, count, seed))[0] for seed in range(20))
    assert best < 0.5 * chance


def two(values: Values) -> tuple[float, ...]:
    """Objectives that contradict each other along a; the rest costs both."""
    rest = sum((values[name] - 0.5) ** 2 for name in "bcd")
    return values["a"] + rest, 1 - values["a"] + rest


@pytest.mark.parametrize("kind", ["nsga2", "nsga3", "tpe"])
def test_a_front_is_found(kind: str) -> None:
    def volume(kind: str, seed: int, **fields: Any) -> float:
        return hypervolume(-np.array(search(kind, NUMBERS, two, 100, seed, **fields)), [-1.5, -1.5])

    fields = {"population": 12} if kind != "tpe" else {}
    chance = [volume("random", seed) for seed in range(10)]
    assert statistics.median(volume(kind, seed, **fields) for seed in range(3)) > max(chance)


def test_quasi_random_points_cover_more_evenly_than_random_ones() -> None:
    def points(kind: str, seed: int) -> Any:
        found: list[list[float]] = []
        search(kind, NUMBERS, lambda v: (found.append(list(v.values())) or 0.0,), 64, seed)
        return discrepancy(np.array(found[1:]))

    assert max(points("qmc", seed) for seed in range(3)) < 0.5 * min(points("random", seed) for seed in range(3))


def test_units_and_values_are_each_others_inverse() -> None:
    space = Space.parse(
        {
            "a": {"float": [1e-4, 1.0], "log": True},
            "b": {"float": [0.0, 0.9], "step": 0.3},
            "c": {"int": [2, 11], "step": 3},
            "d": {"int": [1, 100], "log": True},
            "e": {"ordered": ["x", "y", "z"]},
            "f": {"float": [-2.0, 3.0]},
        }
    )
    for name, distribution in distributions(space).items():
        seen = []
        for unit in np.linspace(0.001, 0.999, 101):
            value = value_at(distribution, float(unit))
            assert distribution._contains(distribution.to_internal_repr(value)), (name, value)
            again = value_at(distribution, unit_of(distribution, value))
            assert again == pytest.approx(value), (name, value)
            seen.append(value)
        assert seen == sorted(seen)
        if name in "bce":
            counts = [seen.count(value) for value in sorted(set(seen))]
            assert max(counts) - min(counts) <= 2, "equal parts"


def test_the_good_part_of_tpe_grows_with_the_root_of_the_trials() -> None:
    assert [good_trials(n) for n in (1, 10, 14, 30, 100, 400)] == [1, 3, 3, 4, 7, 14]
