"""Constraints between the values of a configuration: which assignments of a space may be tried.

A name is a dotted path of the configuration, defaults included. A constraint that names a key which a configuration does not have
(another branch was chosen) does not apply to it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from raysearch.spec.domains import Leaf
from raysearch.spec.expression import Expression
from raysearch.spec.trial import TrialConfig


class Values:
    """The values of a configuration by dotted path: what is written, and, where nothing is, the default of the component.

    Args:
        data: a configuration as plain data.
    """

    def __init__(self, data: Mapping[str, object]) -> None:
        self._written = data

    def __call__(self, name: str) -> Leaf:
        """Return the value of a name.

        Raises:
            KeyError: there is none.
        """
        try:
            return _at(self._written, name)
        except KeyError:
            return _at(self._whole, name)

    def names(self) -> list[str]:
        """Return every name that has a value."""
        return list(_paths(self._whole, ""))

    @cached_property
    def _whole(self) -> Mapping[str, object]:
        try:
            return TrialConfig.parse(self._written).model_dump(mode="json")
        except ValidationError:  # not a trial's configuration, or one that is not valid: what is written is all there is
            return self._written


def _at(data: object, name: str) -> Leaf:
    node: Any = data
    for part in name.split("."):
        if isinstance(node, Mapping) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            raise KeyError(name)
    if isinstance(node, Mapping | list):
        raise KeyError(name)
    leaf: Leaf = node
    return leaf


def _paths(node: object, name: str) -> list[str]:
    if isinstance(node, Mapping):
        return [path for key, inner in node.items() for path in _paths(inner, f"{name}.{key}" if name else str(key))]
    if isinstance(node, list):
        return [path for i, inner in enumerate(node) for path in _paths(inner, f"{name}.{i}")]
    return [name]


def met(constraints: Sequence[Expression], values: Values) -> bool:
    """Whether all constraints hold, or do not apply.

    Raises:
        SpecError: an operation of a constraint got a value that it is not for.
    """
    return all(applied(constraint, values) is not False for constraint in constraints)


def applied(constraint: Expression, values: Values) -> bool | None:
    """Return whether a constraint holds; None where it does not apply.

    Raises:
        SpecError: an operation of the constraint got a value that it is not for.
    """
    try:
        return constraint.holds(values)
    except KeyError:
        return None


class Dice:
    """Suggests values at random: a `raysearch.spec.domains.Suggester`.

    Args:
        seed: of the draws.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Draw a whole number, evenly or evenly in the logarithm."""
        if not log:
            return self._random.randrange(low, high + 1, step)
        return min(high, max(low, round(_logarithmic(self._random, low - 0.5, high + 0.5))))

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        """Draw a number, evenly, on a step, or evenly in the logarithm."""
        if step is not None:
            return min(high, round(low + step * self._random.randrange(round((high - low) / step) + 1), 12))
        return min(high, max(low, _logarithmic(self._random, low, high))) if log else self._random.uniform(low, high)

    def suggest_categorical(self, name: str, choices: Sequence[Leaf]) -> Leaf:
        """Draw one of the choices."""
        return choices[self._random.randrange(len(choices))]


def _logarithmic(source: random.Random, low: float, high: float) -> float:
    return float(low * (high / low) ** source.random())
