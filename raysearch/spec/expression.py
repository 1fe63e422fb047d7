"""Small expressions over the values of a configuration, read by a parser of our own; nothing is ever evaluated as code.

::

    patch.size * task.scale <= 256
    not (recipe.loss.kind == 'l2' and batch > 16)
    1 <= sampler.cell // 16 <= 4

Numbers, text in quotes, ``true``, ``false``, ``null``; names with dots; ``+ - * / // %``; ``< <= > >= == !=``, also in chains;
``and or not``; parentheses. Arithmetic and order are for numbers, ``==`` and ``!=`` for anything, ``and or not`` for truth values.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from raysearch.errors import SpecError
from raysearch.spec.domains import Leaf, same

MAX_LENGTH = 500
MAX_DEPTH = 20

Lookup = Callable[[str], Leaf]
"""Returns the value of a name; raises `KeyError` for one that does not exist."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")|(?P<sign><=|>=|==|!=|//|[-+*/%<>()]))"
)
_WORDS: Mapping[str, Leaf] = {"true": True, "false": False, "null": None}
_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Constant:
    """A number, a text, a truth value or null."""

    value: Leaf


@dataclass(frozen=True)
class Name:
    """A value of the configuration."""

    name: str


@dataclass(frozen=True)
class Operation:
    """An operation: arithmetic, ``and``, ``or``, with two parts; ``not`` and the minus sign with one."""

    sign: str
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Comparison:
    """``parts[0] signs[0] parts[1] signs[1] ...``, all of which must hold."""

    signs: tuple[str, ...]
    parts: tuple[Node, ...]


Node = Constant | Name | Operation | Comparison


@dataclass(frozen=True)
class Expression:
    """A condition: what was written, and what it means."""

    text: str
    tree: Node

    @property
    def names(self) -> tuple[str, ...]:
        """The names in it, each once."""
        return tuple(dict.fromkeys(_names(self.tree)))

    def holds(self, lookup: Lookup) -> bool:
        """Return whether it is true; a division by zero, or a number beyond all bounds, makes it false.

        Raises:
            KeyError: a name does not exist.
            SpecError: an operation got a value that it is not for, or the result is no truth value.
        """
        try:
            return _truth(value_of(self.tree, lookup), "the constraint")
        except ArithmeticError:
            return False

    def excess(self, lookup: Lookup) -> float:
        """Return by how much a single ``<``, ``<=``, ``>`` or ``>=`` is missed, in the unit of its sides; at most 0 where it holds.

        Raises:
            KeyError: a name does not exist.
            SpecError: a side is no number.
        """
        assert isinstance(self.tree, Comparison), "see `bound`"
        left, right = (_number(value_of(part, lookup), self.tree.signs[0]) for part in self.tree.parts)
        return float(left - right if self.tree.signs[0] in ("<", "<=") else right - left)


def bound(text: str) -> Expression:
    """Read an expression that compares two numbers by order, once.

    Raises:
        SpecError: it is another one.
    """
    read = parse(text)
    if not isinstance(read.tree, Comparison) or len(read.tree.signs) != 1 or read.tree.signs[0] not in _ORDER:
        raise SpecError(f"{text!r} does not compare two numbers by order", remedy="write e.g. macs_g <= 5")
    return read


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        SpecError: it can't be read; the message says where.
    """
    if len(text) > MAX_LENGTH:
        raise SpecError(f"longer than {MAX_LENGTH} characters", remedy="write several constraints")
    reader = _Reader(text, list(_tokens(text)))
    tree = reader.either(0)
    if reader.position < len(reader.tokens):
        raise reader.wrong("an operator")
    return Expression(text, tree)


def value_of(node: Node, lookup: Lookup) -> Leaf:
    """Return the value of a part of an expression.

    Raises:
        KeyError: a name does not exist.
        SpecError: an operation got a value that it is not for.
        ArithmeticError: a division by zero, or a number beyond all bounds.
    """
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Name):
        return lookup(node.name)
    if isinstance(node, Comparison):
        values = [value_of(part, lookup) for part in node.parts]
        return all(_compared(sign, values[i], values[i + 1]) for i, sign in enumerate(node.signs))
    if node.sign in ("and", "or"):
        left = _truth(value_of(node.parts[0], lookup), node.sign)
        right = _truth(value_of(node.parts[1], lookup), node.sign)  # both are looked at, so that a mistake is found
        return left and right if node.sign == "and" else left or right
    values = [value_of(part, lookup) for part in node.parts]
    if node.sign == "not":
        return not _truth(values[0], "not")
    numbers = [_number(value, node.sign) for value in values]
    return -numbers[0] if len(numbers) == 1 else _ARITHMETIC[node.sign](*numbers)


def _compared(sign: str, left: Leaf, right: Leaf) -> bool:
    if sign in ("==", "!="):
        return same(left, right) == (sign == "==")
    return _ORDER[sign](_number(left, sign), _number(right, sign))


def _number(value: Leaf, sign: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{sign} needs numbers, not {_shown(value)}", remedy="use == or != for anything but numbers")
    return value


def _truth(value: Leaf, what: str) -> bool:
    if not isinstance(value, bool):
        raise SpecError(f"{what} needs something that is true or false, not {_shown(value)}", remedy="write a comparison")
    return value


def _shown(value: Leaf) -> str:
    return "null" if value is None else repr(value).lower() if isinstance(value, bool) else repr(value)


def _names(node: Node) -> Iterator[str]:
    if isinstance(node, Name):
        yield node.name
    elif isinstance(node, Operation | Comparison):
        for part in node.parts:
            yield from _names(part)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield kind, text and position of each token."""
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            rest = text[position:].lstrip()
            raise SpecError(f"{rest[:10]!r} can't be read", remedy="write numbers, names, + - * / // %, comparisons, and or not")
        yield match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)
        position = match.end()


@dataclass
class _Reader:
    """Reads tokens from left to right, the loosest operators outermost."""

    text: str
    tokens: list[tuple[str, str, int]]
    position: int = 0

    def either(self, depth: int) -> Node:
        """Read ``and`` and ``or``, ``or`` being the looser."""
        if depth > MAX_DEPTH:
            raise SpecError(f"nested deeper than {MAX_DEPTH} parentheses", remedy="write several constraints")
        return self._chain(("or",), lambda: self._chain(("and",), lambda: self._negated(depth)))

    def _chain(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        node = part()
        while (sign := self._take(signs)) is not None:
            node = Operation(sign, (node, part()))
        return node

    def _negated(self, depth: int) -> Node:
        negations = 0
        while self._take(("not",)) is not None:
            negations += 1
        node = self._comparison(depth)
        for _ in range(negations):
            node = Operation("not", (node,))
        return node

    def _comparison(self, depth: int) -> Node:
        parts, signs = [self._sum(depth)], []
        while (sign := self._take((*_ORDER, "==", "!="))) is not None:
            signs.append(sign)
            parts.append(self._sum(depth))
        return Comparison(tuple(signs), tuple(parts)) if signs else parts[0]

    def _sum(self, depth: int) -> Node:
        return self._chain(("+", "-"), lambda: self._chain(("*", "/", "//", "%"), lambda: self._signed(depth)))

    def _signed(self, depth: int) -> Node:
        minus = 0
        while self._take(("-",)) is not None:
            minus += 1
        node = self._atom(depth)
        for _ in range(minus):
            node = Operation("-", (node,))
        return node

    def _atom(self, depth: int) -> Node:
        if self._take(("(",)) is not None:
            inside = self.either(depth + 1)
            if self._take((")",)) is None:
                raise self.wrong("a closing parenthesis")
            return inside
        kind, text = self.tokens[self.position][:2] if self.position < len(self.tokens) else ("sign", "")
        if kind == "sign" or text in ("and", "or", "not"):
            raise self.wrong("a number or a name")
        self.position += 1
        if kind == "number":
            return Constant(int(text) if text.isdecimal() else float(text))
        if kind == "text":
            return Constant(text[1:-1])
        return Constant(_WORDS[text]) if text in _WORDS else Name(text)

    def _take(self, signs: tuple[str, ...]) -> str | None:
        """Step over the next token if it is one of ``signs``."""
        if self.position < len(self.tokens):
            kind, text, _ = self.tokens[self.position]
            if kind in ("sign", "name") and text in signs:
                self.position += 1
                return text
        return None

    def wrong(self, needed: str) -> SpecError:
        """Say what should stand at this position."""
        if self.position == len(self.tokens):
            return SpecError(f"ends where {needed} is needed", remedy="complete it, e.g. patch.size * task.scale <= 256")
        _, text, column = self.tokens[self.position]
        return SpecError(f"{text!r} at position {column + 1}: {needed} is needed here", remedy="correct it, e.g. patch.size <= 256")
