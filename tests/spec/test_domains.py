"""Domains: what they hold, their defaults, and everything that can be wrong with one."""

from __future__ import annotations

import math
from typing import Any

import pytest

from raysearch.spec.domain_syntax import read_domain
from raysearch.spec.domains import Choice, Float, Int, is_domain, same


@pytest.mark.parametrize(
    ("node", "domain"),
    [
        ({"int": [1, 5]}, Int(1, 5)),
        ({"int": [1, 5], "step": 2}, Int(1, 5, step=2)),
        ({"int": [1, 64], "log": True}, Int(1, 64, log=True)),
        ({"float": [0, 1]}, Float(0.0, 1.0)),
        ({"float": [1e-4, 1], "log": True}, Float(1e-4, 1.0, log=True)),
        ({"float": [0.1, 0.7], "step": 0.2}, Float(0.1, 0.7, step=0.2)),
        ({"choice": [None, True, 1.5, "a"]}, Choice((None, True, 1.5, "a"))),
        ({"one_of": ["a", {"kind": "b"}, {"kind": "b"}, None, [1, 2]]}, Choice(("a", "b", "b_2", "null", "[1, 2]"), branches=True)),
    ],
)
def test_every_form_is_read(node: dict[str, Any], domain: object) -> None:
    assert is_domain(node)
    assert read_domain(node, ()) == domain


@pytest.mark.parametrize(
    ("node", "path", "reason", "remedy"),
    [
        ({"int": [5, 1]}, ("int",), "inverted", "int: [1, 5]"),
        ({"int": [5, 5]}, ("int",), "single value", "write 5 itself"),
        ({"float": []}, ("float",), "two numbers", "[lowest, highest]"),
        ({"float": 0.5}, ("float",), "two numbers", "[lowest, highest]"),
        ({"int": [1, 2.5]}, ("int", 1), "whole number", "float domain"),
        ({"int": [1, 1e3]}, ("int", 1), "whole number", "write 1000"),
        ({"float": ["1e-4", 1]}, ("float", 0), "is text", "remove the quotes: 1e-4"),
        ({"float": [True, 2]}, ("float", 0), "must be a number", "write a number"),
        ({"float": [0, 1], "log": True}, ("float", 0), "above zero", "above 0"),
        ({"float": [0, 1], "log": "yes"}, ("log",), "true or false", "log: true"),
        ({"float": [0, 1], "step": 0.3}, ("step",), "does not divide", "end the range at 0.9"),
        ({"int": [0, 3], "step": 5}, ("step",), "does not divide", "at most 3"),
        ({"int": [0, 3], "step": 0}, ("step",), "above zero", "positive"),
        ({"int": [1, 3], "step": 1, "log": True}, ("step",), "exclude", "delete one"),
        ({"float": [0, 1], "lgo": True}, ("lgo",), "not a part", "'log'"),
        ({"choice": [1, 2], "step": 1}, ("step",), "not a part", "choice"),
        ({"choice": []}, ("choice",), "at least one", "choice: [first, second]"),
        ({"choice": [1, 1.0]}, ("choice", 1), "twice", "delete one"),
        ({"choice": [{"kind": "a"}]}, ("choice", 0), "plain values", "one_of"),
        ({"one_of": {}}, ("one_of",), "at least one", "one_of: [first, second]"),
    ],
)
def test_every_mistake_has_a_place_and_a_remedy(node: dict[str, Any], path: tuple[object, ...], reason: str, remedy: str) -> None:
    faults = read_domain(node, ())
    assert isinstance(faults, list)
    assert len(faults) == 1
    assert faults[0].path == path
    assert reason in faults[0].reason
    assert remedy in faults[0].remedy


@pytest.mark.parametrize(
    ("domain", "default"),
    [
        (Int(1, 4), 3),
        (Int(1, 9, step=4), 5),
        (Int(1, 100, log=True), 10),
        (Float(0.0, 1.0), 0.5),
        (Float(1e-4, 1e-2, log=True), 1e-3),
        (Float(0.0, 0.3, step=0.1), 0.2),
        (Choice(("b", "a")), "b"),
    ],
)
def test_the_default_is_the_middle_or_the_first(domain: Any, default: object) -> None:
    assert domain.default == pytest.approx(default) if isinstance(default, float) else domain.default == default
    assert domain.match(domain.default) == domain.default


@pytest.mark.parametrize("domain", [Int(2, 8, step=3), Float(0.0, 1.0, step=0.1), Choice((None, 1, "x"))])
def test_finite_domains_list_their_values_and_match_each(domain: Any) -> None:
    values = domain.values
    assert values is not None
    assert [domain.match(value) for value in values] == list(values)
    assert set(domain.ends) <= set(values)


def test_steps_carry_no_rounding_errors() -> None:
    assert Float(0.1, 1.0, step=0.1).values == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@pytest.mark.parametrize(
    ("domain", "value"),
    [
        (Int(1, 5), 6),
        (Int(1, 5), 2.0),
        (Int(1, 5), True),
        (Int(1, 5, step=2), 2),
        (Float(0, 1), "0.5"),
        (Float(0, 1), math.nan),
        (Float(0.0, 1.0, step=0.25), 0.3),
        (Choice((1, 2)), True),
        (Choice(("a",)), None),
    ],
)
def test_what_is_outside_is_not_matched(domain: Any, value: object) -> None:
    with pytest.raises(ValueError, match=r"number|one of"):
        domain.match(value)


def test_a_component_is_no_domain() -> None:
    assert not is_domain({"kind": "x", "int": 3})
    assert not is_domain({"a": 1})
    assert not is_domain([1])


def test_numbers_equal_across_types_and_truth_values_do_not() -> None:
    assert same(1, 1.0)
    assert not same(1, True)
    assert not same(0.0, False)
