"""Constraints as text: what they mean, against Python's own reading, and everything that is refused."""

from __future__ import annotations

import ast
import random

import pytest

from raysearch.errors import SpecError
from raysearch.spec import expression
from raysearch.spec.expression import bound, parse

VALUES = {"a": 3, "b.c": 0.5, "big": 10**30, "text": "l2", "yes": True, "nothing": None, "list.0": 7}


def holds(text: str) -> bool:
    return parse(text).holds(VALUES.__getitem__)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a * 2 <= 6", True),
        ("1 < a < 3", False),
        ("1 < a <= 3 != 4", True),
        ("-a + 4 == 1", True),
        ("a - 1 - 1 == 1", True),
        ("12 / 2 / 3 == 2", True),
        ("7 // 2 == 3 and 7 % 4 == 3", True),
        ("not a == 3 or b.c < 1", True),
        ("not (a == 3 or b.c < 1)", False),
        ("true or false and false", True),
        ("text == 'l2' and text != \"l1\"", True),
        ("yes == true and yes != 1", True),
        ("nothing == null and a != null", True),
        ("list.0 > 1e0 and .5 == b.c and 5. > a", True),
        ("a / (a - 3) > 0", False),
        ("big * 1e300 * 1e300 > 0 or big // 0.0 > 1", False),
        ("(((a)))==3", True),
    ],
)
def test_an_expression_means_what_it_says(text: str, result: bool) -> None:
    assert holds(text) is result


def random_sum(source: random.Random, depth: int) -> str:
    if depth == 0 or source.random() < 0.3:
        return source.choice(["x", "y", "2", "3.5", "-1"])
    parts = f"{random_sum(source, depth - 1)} {source.choice(['+', '-', '*', '//', '/', '%'])} {random_sum(source, depth - 1)}"
    return f"({parts})" if source.random() < 0.5 else parts


def test_precedence_is_that_of_python() -> None:
    """300 random expressions against Python's parser, whose tree is walked here by hand."""
    signs = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"}

    def walked(node: ast.AST) -> object:
        if isinstance(node, ast.BinOp):
            return (signs[type(node.op)], walked(node.left), walked(node.right))
        if isinstance(node, ast.UnaryOp):
            return ("-", walked(node.operand))
        return node.id if isinstance(node, ast.Name) else node.value  # type: ignore[attr-defined]

    def mine(node: expression.Node) -> object:
        if isinstance(node, expression.Operation):
            return (node.sign, *map(mine, node.parts))
        return node.name if isinstance(node, expression.Name) else node.value  # type: ignore[union-attr]

    source = random.Random(0)
    for _ in range(300):
        text = random_sum(source, 4)
        assert mine(parse(text).tree) == walked(ast.parse(text, mode="eval").body), text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "ends where a number or a name is needed"),
        ("a <=", "ends where"),
        ("a b", "'b' at position 3: an operator"),
        ("a <= 3)", "')' at position 7"),
        ("(a <= 3", "closing parenthesis"),
        ("* 3", "'*' at position 1"),
        ("a = 3", "can't be read"),
        ("a ** 2 < 3", "a number or a name"),
        ("f(a) < 3", "an operator is needed"),
        ("a[0] < 3", "can't be read"),
        ("'open", "can't be read"),
        ("__import__('os')", "an operator is needed"),
        ("(" * 30 + "a" + ")" * 30, "nested deeper"),
        ("a < " + "1" * 600, "longer than"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert message in caught.value.cause
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["a", "a + 1", "not a", "text < 3", "nothing * 2 < 3", "yes < 2", "a == 3 and 1", "-text == 1"])
def test_values_of_the_wrong_type_are_refused(text: str) -> None:
    with pytest.raises(SpecError, match="needs"):
        holds(text)


def test_a_mistake_is_found_on_both_sides_of_or() -> None:
    with pytest.raises(SpecError, match="needs numbers"):
        holds("a == 3 or text < 3")


def test_the_longest_expressions_are_read() -> None:
    assert holds("not " * 100 + "a == 3")
    assert holds("1" + "+1" * 240 + " > 240")


def test_names_are_listed_once() -> None:
    assert parse("a * b.c <= a + list.0").names == ("a", "b.c", "list.0")


def test_an_excess_is_at_most_zero_where_the_bound_holds() -> None:
    lookup = {"macs_g": 4.0}.__getitem__
    assert bound("macs_g <= 5").excess(lookup) == -1.0
    assert bound("3 > macs_g").excess(lookup) == 1.0
    assert bound("macs_g * 2 >= 10").excess(lookup) == 2.0
    for text in ("macs_g == 5", "macs_g", "1 < macs_g < 3", "macs_g < 3 and macs_g > 1"):
        with pytest.raises(SpecError, match="by order"):
            bound(text)
