"""Expressions of the user's text: a checked syntax tree, which is evaluated by walking it and never by Python."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

import jax.numpy as jnp

from .functions import FUNCTIONS, RANDOM, number
from .source import EquationError, Source, near

Look = Callable[[str], Any]  # the value of a name

_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda x, y: x + y,
    ast.Sub: lambda x, y: x - y,
    ast.Mult: lambda x, y: x * y,
    ast.Div: lambda x, y: x / y,
    ast.Mod: lambda x, y: x % y,
    ast.FloorDiv: lambda x, y: x // y,
    ast.Pow: lambda x, y: x**y,
}
_COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Gt: lambda x, y: x > y,
    ast.GtE: lambda x, y: x >= y,
    ast.Lt: lambda x, y: x < y,
    ast.LtE: lambda x, y: x <= y,
    ast.Eq: lambda x, y: x == y,
    ast.NotEq: lambda x, y: x != y,
}
_LOGICAL = (ast.And, ast.Or, ast.Not)
_NODES = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant)
DEEPEST = 100  # operations within operations


class Expression(NamedTuple):
    """A part of a text: its tree, and where each node of it stands."""

    node: ast.expr
    source: Source
    begin: int

    @classmethod
    def of(cls, source: Source, begin: int, end: int) -> Expression:
        """The expression between two characters of a text; an error points at what is none."""
        text = source.text[begin:end]
        if not text.strip():
            source.error(begin, "There is nothing here, expected an expression.")
        first = begin + len(text) - len(text.lstrip())
        try:
            node = ast.parse(f"({text})", mode="eval").body
        except SyntaxError as error:
            at = begin + _offset(text, error.lineno or 1, (error.offset or 1) - 1)
            unclosed = "never closed" in error.msg or "unmatched" in error.msg
            why = f": {error.msg}." if unclosed else "; is an operator missing, such as the * of 2*mV?"
            source.error(min(max(at, first), end), f"This is no expression{why}")
        except (RecursionError, MemoryError, ValueError, OverflowError):
            source.error(
                first, "This expression is too long or nested too deeply; name parts of it in lines of their own."
            )
        found = cls(node, source, begin)
        found._check(node, 0)
        return found

    def error(self, node: ast.AST, message: str, kind: type[EquationError] = EquationError) -> NoReturn:
        """Raise, with a caret at a node; at the operator of an operation of two operands."""
        at = self.at(node)
        if isinstance(node, ast.BinOp):
            at = self._end(node.left)
            at += self._blank(at)
        self.source.error(at, message, kind)

    def at(self, node: Any) -> int:
        """The character at which a node begins."""
        return self.begin + _offset(
            self._text, node.lineno, len(self._line(node.lineno).encode()[: node.col_offset].decode())
        )

    def _end(self, node: Any) -> int:
        line = self._line(node.end_lineno).encode()[: node.end_col_offset].decode()
        return self.begin + _offset(self._text, node.end_lineno, len(line))

    def _blank(self, at: int) -> int:
        rest = self.source.text[at:]
        return len(rest) - len(rest.lstrip(" \n)"))

    @property
    def _text(self) -> str:
        return self.source.text[self.begin :]

    def _line(self, number: int) -> str:
        return f"({self._text}".split("\n")[number - 1]

    def _check(self, node: ast.AST, depth: int) -> None:
        """Only what Brian2's expressions have."""
        if depth > DEEPEST:
            self.error(
                node, f"Expressions are nested more than {DEEPEST} deep; name parts of them in lines of their own."
            )
        if not isinstance(node, _NODES):
            self.error(
                node,
                "This is not part of the language of equations: there are numbers, names, + - * / // % **, "
                "comparisons, and, or, not, and functions.",
            )
        if isinstance(node, ast.Constant) and (
            isinstance(node.value, complex) or not isinstance(node.value, (bool, int, float))
        ):
            self.error(node, f"{node.value!r} is no real number.")
        if isinstance(node, ast.BinOp) and type(node.op) not in _ARITHMETIC:
            self.error(node, "Unknown operator; there are + - * / // % and ** (a power; ^ is none).")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
            self.error(node, "Unknown operator ~; `not` is the negation.")
        if isinstance(node, ast.Compare) and (len(node.ops) > 1 or type(node.ops[0]) not in _COMPARISONS):
            self.error(node, "Compare two values with > >= < <= == or !=; join comparisons by `and`.")
        if isinstance(node, ast.Call):
            self._check_call(node)
        for part in operands(node):
            self._check(part, depth + 1)

    def _check_call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        known = {**FUNCTIONS, **RANDOM}
        if name not in known:
            self.error(
                node, f"{name or 'This'} is no function of equations{near(name, known)}; there are {', '.join(known)}."
            )
        wanted = FUNCTIONS[name].arguments if name in FUNCTIONS else 0
        if node.keywords or len(node.args) != wanted:
            self.error(node, f"{name}() got {len(node.args) + len(node.keywords)} arguments, expected {wanted}.")

    def names(self) -> Iterator[ast.Name]:
        """Every name that stands for a value."""
        return (node for node in walk(self.node) if isinstance(node, ast.Name))


def operands(node: ast.AST) -> list[Any]:
    """The expressions that a node is made of."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    return node.args if isinstance(node, ast.Call) else []


def walk(node: Any) -> Iterator[Any]:
    """A node and all below it."""
    yield node
    for part in operands(node):
        yield from walk(part)


def truth(node: Any) -> bool:
    """Whether a node is a condition."""
    return isinstance(node, (ast.Compare, ast.BoolOp)) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def value(node: Any, look: Look) -> Any:
    """The value of a node; `look` gives those of names."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, bool) else _float(node.value)
    if isinstance(node, ast.Name):
        return look(node.id)
    if isinstance(node, ast.Call):
        return FUNCTIONS[node.func.id].of(*(number(value(x, look)) for x in node.args))  # type: ignore[attr-defined]
    given = [value(x, look) for x in operands(node)]
    return combined(node, given)


def combined(node: Any, given: list[Any]) -> Any:
    """The value of an operation, given those of its operands."""
    if isinstance(node, ast.BoolOp):
        both = jnp.logical_and if isinstance(node.op, ast.And) else jnp.logical_or
        found = given[0]
        for other in given[1:]:
            found = both(found, other)
        return found
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return jnp.logical_not(given[0])
    x, *rest = map(number, given)
    if isinstance(node, ast.UnaryOp):
        return -x if isinstance(node.op, ast.USub) else x
    if isinstance(node, ast.Compare):
        return _COMPARISONS[type(node.ops[0])](x, rest[0])
    plain = isinstance(x, float) and isinstance(rest[0], float)
    try:
        found = _ARITHMETIC[type(node.op)](x, rest[0]) if plain else None
    except (OverflowError, ZeroDivisionError):
        found = float("nan") if x == 0 else float("inf")
    if plain:
        return float("nan") if isinstance(found, complex) else found
    power = rest[0]
    if isinstance(node.op, ast.Pow) and isinstance(power, float) and power.is_integer() and abs(power) < 16:
        return x ** int(power)  # by multiplication
    return _ARITHMETIC[type(node.op)](x, power)


def margin(node: Any, look: Look) -> Any:
    """By how much a condition holds, positive where it does: what a surrogate is a function of."""
    if isinstance(node, ast.BoolOp):
        parts = [margin(x, look) for x in node.values]
        least = jnp.minimum if isinstance(node.op, ast.And) else jnp.maximum
        found = parts[0]
        for other in parts[1:]:
            found = least(found, other)
        return found
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return -margin(node.operand, look)
    if isinstance(node, ast.Compare) and not isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
        left, right = (number(value(x, look)) for x in operands(node))
        return left - right if isinstance(node.ops[0], (ast.Gt, ast.GtE)) else right - left
    return 0.0


def _float(x: Any) -> float:
    try:
        return float(x)
    except OverflowError:
        return float("inf")


def _offset(text: str, line: int, column: int) -> int:
    """The character of `text` that is at a line and column of `(text)`."""
    before = sum(len(each) + 1 for each in f"({text}".split("\n")[: line - 1])
    return max(before + column - 1, 0)
