"""Values as numbers in [0, 1) and back: what space-filling sequences and evolution strategies work on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from raysearch.spec.domains import Leaf


def value_at(distribution: BaseDistribution, unit: float) -> Any:
    """Return the value at a number in [0, 1]: equal parts of it for equal steps, or for equal ratios with ``log``."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[_part(unit, len(distribution.choices))]
    if isinstance(distribution, IntDistribution):
        low, high = distribution.low, distribution.high
        if distribution.log:
            return min(high, max(low, round(math.exp(_between(math.log(low - 0.5), math.log(high + 0.5), unit)))))
        return low + distribution.step * _part(unit, (high - low) // distribution.step + 1)
    assert isinstance(distribution, FloatDistribution)
    low_, high_ = distribution.low, distribution.high
    if distribution.step is not None:
        return min(high_, round(low_ + distribution.step * _part(unit, round((high_ - low_) / distribution.step) + 1), 12))
    if distribution.log:
        return min(high_, max(low_, math.exp(_between(math.log(low_), math.log(high_), unit))))
    return _between(low_, high_, unit)


def unit_of(distribution: BaseDistribution, value: Any) -> float:
    """Return the number in [0, 1] at which a value of a range lies: the middle of its part where there are steps."""
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high = distribution.low, distribution.high
    if distribution.log:
        margin = 0.5 if isinstance(distribution, IntDistribution) else 0.0
        ends = math.log(low - margin), math.log(high + margin)
        return (math.log(float(value)) - ends[0]) / (ends[1] - ends[0])
    if distribution.step is not None:
        return (round((float(value) - low) / distribution.step) + 0.5) / (round((high - low) / distribution.step) + 1)
    return (float(value) - low) / (high - low)


def _part(unit: float, parts: int) -> int:
    return min(parts - 1, int(unit * parts))


def _between(low: float, high: float, unit: float) -> float:
    return low + (high - low) * unit


class Recorder:
    """Answers the questions of a space with values that are known, and keeps what was asked: a `Suggester`.

    Args:
        values: as a `raysearch.spec.domains.Suggester` knows them (see `raysearch.spec.space.Space.encode`).

    Attributes:
        params: the values by name.
        distributions: Optuna's form of each domain.
    """

    def __init__(self, values: Mapping[str, Leaf]) -> None:
        self._values = values
        self.params: dict[str, Any] = {}
        self.distributions: dict[str, BaseDistribution] = {}

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return the known value."""
        value: int = self._take(name, IntDistribution(low, high, log=log, step=step))
        return value

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        """Return the known value."""
        value: float = self._take(name, FloatDistribution(low, high, log=log, step=step))
        return value

    def suggest_categorical(self, name: str, choices: Sequence[Leaf]) -> Any:
        """Return the known value."""
        return self._take(name, CategoricalDistribution(list(choices)))

    def _take(self, name: str, distribution: BaseDistribution) -> Any:
        self.distributions[name] = distribution
        self.params[name] = self._values[name]
        return self._values[name]


class PointSuggester:
    """Answers the questions of a space with the coordinates of a point in the unit cube.

    Args:
        point: a number in [0, 1) for each domain by name.
    """

    def __init__(self, point: Mapping[str, float]) -> None:
        self._point = point

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return the value at the point."""
        return int(value_at(IntDistribution(low, high, log=log, step=step), self._point[name]))

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        """Return the value at the point."""
        return float(value_at(FloatDistribution(low, high, log=log, step=step), self._point[name]))

    def suggest_categorical(self, name: str, choices: Sequence[Leaf]) -> Any:
        """Return the choice at the point."""
        return choices[_part(self._point[name], len(choices))]
