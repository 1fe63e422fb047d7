"""Domains: what a leaf of a trial may be instead of a value.

========================================= =====================================================================
``{int: [3, 9]}``                         whole numbers, both ends included; ``step: 2``; or ``log: true``
``{float: [1e-4, 1e-2], log: true}``      numbers; or ``step: 0.1``
``{choice: [1, 2, 5]}``                   one of some values: numbers, text, true, false, null
``{ordered: [none, flips, all]}``         the same with an order, which a model of the search sees as a position
``{pow2: [8, 128]}``                      powers of two, both ends included
``{zip: size, values: [32, 64, 128]}``    several leaves that take their i-th values together: all with the same name after ``zip``
``{one_of: [branch, ...]}``               one of some *branches*: whole components, mappings, lists or values, which may hold
                                          domains of their own. They exist only where their branch is chosen.
========================================= =====================================================================

A range that no step divides, an empty range and ``log`` from zero are refused, since a searcher would repair them in silence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from raysearch.spec.findings import Path

Leaf = bool | int | float | str | None

KEYWORDS: dict[str, frozenset[str]] = {
    "int": frozenset({"int", "step", "log"}),
    "float": frozenset({"float", "step", "log"}),
    "choice": frozenset({"choice"}),
    "ordered": frozenset({"ordered"}),
    "pow2": frozenset({"pow2"}),
    "zip": frozenset({"zip", "values"}),
    "one_of": frozenset({"one_of"}),
}


class Suggester(Protocol):
    """What proposes values: Optuna's ``Trial``, or a test."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Propose a whole number in [low, high]."""

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        """Propose a number in [low, high]."""

    def suggest_categorical(self, name: str, choices: Sequence[Leaf]) -> Any:
        """Propose one of ``choices``."""


@dataclass(frozen=True)
class Int:
    """Whole numbers from ``low`` to ``high``, both included, ``step`` apart or evenly in the logarithm."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    @property
    def default(self) -> int:
        """The middle (the geometric one with ``log``), on a step."""
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        return self.low + self.step * int((middle - self.low) / self.step + 0.5)

    @property
    def values(self) -> tuple[Leaf, ...] | None:
        """Every value there is; None with ``log``, which has no natural grid."""
        return None if self.log else tuple(range(self.low, self.high + 1, self.step))

    @property
    def ends(self) -> tuple[Leaf, ...]:
        """The values worth probing: both ends."""
        return (self.low, self.high)

    def suggest(self, name: str, trial: Suggester) -> Leaf:
        """Ask ``trial`` for a value."""
        return int(trial.suggest_int(name, self.low, self.high, step=self.step, log=self.log))

    def encode(self, value: Leaf) -> Leaf:
        """Return what a `Suggester` calls ``value``: itself."""
        return value

    def match(self, value: object) -> Leaf:
        """Return ``value`` as this domain writes it.

        Raises:
            ValueError: it is not in the domain; the message says what is.
        """
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not self.low <= value <= self.high or (value - self.low) % self.step:  # type: ignore[operator]
            raise ValueError(
                f"a whole number from {self.low} to {self.high}" + (f" in steps of {self.step}" if self.step > 1 else "")
            )
        return value  # type: ignore[return-value]

    def origin(self, value: Leaf) -> Path:
        """Return where ``value`` stands inside the domain's mapping; empty when it stands nowhere."""
        return ("int", 0) if value == self.low else ("int", 1) if value == self.high else ()


@dataclass(frozen=True)
class Float:
    """Numbers from ``low`` to ``high``, both included, ``step`` apart or evenly in the logarithm."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def default(self) -> float:
        """The middle (the geometric one with ``log``), on a step."""
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        return middle if self.step is None else self._on_step(int((middle - self.low) / self.step + 0.5 + 1e-9))

    @property
    def values(self) -> tuple[Leaf, ...] | None:
        """Every value there is; None without a step."""
        if self.step is None:
            return None
        return tuple(self._on_step(i) for i in range(round((self.high - self.low) / self.step) + 1))

    @property
    def ends(self) -> tuple[Leaf, ...]:
        """The values worth probing: both ends."""
        return (self.low, self.high)

    def _on_step(self, number: int) -> float:
        assert self.step is not None
        return min(self.high, round(self.low + number * self.step, 12))

    def suggest(self, name: str, trial: Suggester) -> Leaf:
        """Ask ``trial`` for a value."""
        return float(trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log))

    def encode(self, value: Leaf) -> Leaf:
        """Return what a `Suggester` calls ``value``: itself."""
        return value

    def match(self, value: object) -> Leaf:
        """Return ``value`` as this domain writes it.

        Raises:
            ValueError: it is not in the domain; the message says what is.
        """
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not self.low <= value <= self.high or not self._divides(float(value)):  # type: ignore[operator,arg-type]
            raise ValueError(f"a number from {self.low:g} to {self.high:g}" + (f" in steps of {self.step:g}" if self.step else ""))
        return float(value)  # type: ignore[arg-type]

    def _divides(self, value: float) -> bool:
        return self.step is None or whole((value - self.low) / self.step)

    def origin(self, value: Leaf) -> Path:
        """Return where ``value`` stands inside the domain's mapping; empty when it stands nowhere."""
        return ("float", 0) if value == self.low else ("float", 1) if value == self.high else ()


@dataclass(frozen=True)
class Choice:
    """One of some values; `default` is the first."""

    options: tuple[Leaf, ...]
    branches: bool = False
    """The options are the labels of ``one_of`` branches."""

    @property
    def default(self) -> Leaf:
        """The first option."""
        return self.options[0]

    @property
    def values(self) -> tuple[Leaf, ...] | None:
        """Every option."""
        return self.options

    @property
    def ends(self) -> tuple[Leaf, ...]:
        """The values worth probing: every option."""
        return self.options

    def suggest(self, name: str, trial: Suggester) -> Leaf:
        """Ask ``trial`` for an option."""
        chosen: Leaf = trial.suggest_categorical(name, self.options)
        return chosen

    def encode(self, value: Leaf) -> Leaf:
        """Return what a `Suggester` calls ``value``: itself."""
        return value

    def match(self, value: object) -> Leaf:
        """Return the option that equals ``value``; ``1`` equals ``1.0`` and not ``true``.

        Raises:
            ValueError: there is none; the message lists the options.
        """
        return self.options[_position(self.options, value)]

    def origin(self, value: Leaf) -> Path:
        """Return where ``value`` stands inside the domain's mapping."""
        return ("one_of" if self.branches else "choice", _position(self.options, value))


@dataclass(frozen=True)
class Ordered:
    """One of some values in their order; a `Suggester` knows them by their position, from 0."""

    options: tuple[Leaf, ...]
    keyword: Literal["ordered", "pow2", "zip"] = "ordered"
    """How it is written: by its values, by the lowest and highest power of two, or as the rows of a ``zip``."""

    @property
    def default(self) -> Leaf:
        """The middle."""
        return self.options[len(self.options) // 2]

    @property
    def values(self) -> tuple[Leaf, ...] | None:
        """Every value."""
        return self.options

    @property
    def ends(self) -> tuple[Leaf, ...]:
        """The values worth probing: every one; of powers of two both ends."""
        return (self.options[0], self.options[-1]) if self.keyword == "pow2" else self.options

    def suggest(self, name: str, trial: Suggester) -> Leaf:
        """Ask ``trial`` for a position."""
        return self.options[int(trial.suggest_int(name, 0, len(self.options) - 1))]

    def encode(self, value: Leaf) -> Leaf:
        """Return what a `Suggester` calls ``value``: its position."""
        return _position(self.options, value)

    def match(self, value: object) -> Leaf:
        """Return the value that equals ``value``; ``1`` equals ``1.0`` and not ``true``.

        Raises:
            ValueError: there is none; the message lists them.
        """
        return self.options[_position(self.options, value)]

    def origin(self, value: Leaf) -> Path:
        """Return where ``value`` stands inside the domain's mapping; empty when it stands nowhere."""
        position = _position(self.options, value)
        if self.keyword != "pow2":
            return ("ordered" if self.keyword == "ordered" else "values", position)
        return ("pow2", 0) if position == 0 else ("pow2", 1) if position == len(self.options) - 1 else ()


Domain = Int | Float | Choice | Ordered


def is_domain(node: object) -> bool:
    """Whether a node of a template is a domain: a mapping with one of the keywords, and no component."""
    return isinstance(node, Mapping) and "kind" not in node and any(keyword in node for keyword in KEYWORDS)


def same(left: object, right: object) -> bool:
    """Whether two plain values are equal; ``1`` equals ``1.0`` and not ``true``."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _position(options: Sequence[Leaf], value: object) -> int:
    found = next((i for i, option in enumerate(options) if same(option, value)), None)
    if found is None:
        raise ValueError(f"one of: {', '.join(json.dumps(option) for option in options)}")
    return found


def whole(value: float) -> bool:
    """Whether ``value`` is a whole number but for rounding."""
    return abs(value - round(value)) < 1e-9 * max(1.0, abs(value))
