"""The check of units: what is added, compared and assigned has one dimension, and functions take what they can."""

from __future__ import annotations

import ast
from fractions import Fraction
from typing import Any

import numpy as np

from .dimensions import _WORDS, AMOUNT, CANDELA, CURRENT, KELVIN, LENGTH, MASS, ONE, TIME, Dimension, Unification, unit
from .expressions import Expression, operands, value
from .functions import CONSTANTS, FUNCTIONS
from .source import Source, near


class Units:
    """Dimensions of the names of a model; those that nobody gave are found from what they are used for."""

    def __init__(self, named: dict[str, Dimension]):
        self.named, self.unknown = named, Unification()

    def __getitem__(self, name: str) -> Dimension:
        return self.unknown.known(self.named[name])

    def check(self, expression: Expression, expected: Dimension, what: str) -> None:
        """An expression has the dimension that is expected of it."""
        found = self._of(expression, expression.node)
        if not self.unknown.equal(found, expected):
            is_, wanted = self._shown(found), self._shown(expected)
            expression.source.error(
                expression.at(expression.node), f"{what} is in {wanted}, but what is given for it is in {is_}."
            )

    def of_expression(self, expression: Expression) -> Dimension:
        """The dimension of an expression."""
        return self.unknown.known(self._of(expression, expression.node))

    def _shown(self, dimension: Dimension) -> str:
        text = str(self.unknown.known(dimension))
        return "1 (no unit)" if text == "1" else text

    def _of(self, within: Expression, node: Any) -> Dimension:
        if isinstance(node, ast.Name):
            return self.named[node.id]
        if isinstance(node, ast.BinOp):
            return self._operation(within, node)
        if isinstance(node, ast.Call):
            return self._call(within, node)
        parts = [self._of(within, x) for x in operands(node)]
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            return parts[0]
        for part, x in zip(parts[1:], operands(node)[1:]):
            if not self.unknown.equal(part, parts[0]):
                within.error(x, f"This is in {self._shown(part)}, and is compared with {self._shown(parts[0])}.")
        return ONE

    def _operation(self, within: Expression, node: ast.BinOp) -> Dimension:
        left, right = self._of(within, node.left), self._of(within, node.right)
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, (ast.Div, ast.FloorDiv)):
            return left / right
        if isinstance(node.op, ast.Pow):
            return self._power(within, node, left, right)
        if not self.unknown.equal(left, right):
            sign = {ast.Add: "+", ast.Sub: "-"}.get(type(node.op), "%")
            within.error(node, f"Left of this {sign} is {self._shown(left)}, right of it {self._shown(right)}; "
                               "expected one unit.")  # fmt: skip
        return left

    def _power(self, within: Expression, node: ast.BinOp, base: Dimension, power: Dimension) -> Dimension:
        if not self.unknown.equal(power, ONE):
            within.error(node.right, f"An exponent is a number without unit; this one is in {self._shown(power)}.")
        constant = not any(isinstance(x, (ast.Name, ast.Call)) for x in ast.walk(node.right))
        exponent = value(node.right, lambda _: None) if constant else None
        if exponent is None or not abs(exponent) < 1e6:
            if not self.unknown.equal(base, ONE):
                within.error(node.left, f"What is in {self._shown(base)} needs a number as its exponent.")
            return ONE
        return base ** Fraction(exponent).limit_denominator(1000)

    def _call(self, within: Expression, node: ast.Call) -> Dimension:
        name, parts = node.func.id, [self._of(within, x) for x in node.args]  # type: ignore[attr-defined]
        kind = FUNCTIONS[name].dimension
        wanted = {"number": ONE, "step": TIME, "same": parts[0]}.get(kind)
        for part, x in zip(parts, node.args):
            if wanted is not None and not self.unknown.equal(part, wanted):
                within.error(x, f"{name}() takes {self._shown(wanted)} here; this is in {self._shown(part)}.")
        return parts[0] if kind == "same" else parts[0] ** Fraction(1, 2) if kind == "root" else ONE


def unit_text(source: Source, begin: int, end: int) -> Dimension:
    """The dimension that the text behind a colon names."""
    if source.text[begin:end].strip() in ("boolean", "integer", "1"):
        return ONE
    expression = Expression.of(source, begin, end)
    return _constant(expression, "a unit such as volt, 1/second or siemens/meter**2")[1]


def _constant(expression: Expression, expected: str) -> tuple[float, Dimension]:
    """The number and the dimension of an expression in which all names are units."""
    for node in expression.names():
        if unit(node.id) is None:
            expression.error(node, f"{node.id!r} is no unit{near(node.id, _WORDS)}; expected {expected}.")
    for node in ast.walk(expression.node):
        if isinstance(node, ast.Call):
            expression.error(node, f"Expected {expected}.")
    look = lambda name: unit(name)[0]  # type: ignore[index]
    known = Units({x.id: unit(x.id)[1] for x in expression.names()})  # type: ignore[index]
    return value(expression.node, look), known.of_expression(expression)


def quantity(given: Any, what: str) -> tuple[Any, Dimension | None]:
    """A value in the library's units, and its dimension, None of a plain number.

    `given`: a number or array of them in the library's units, text (`"20*ms"`), or a quantity of Brian2 or pint.
    """
    if isinstance(given, str):
        number, dimension = _constant(
            Expression.of(Source.of(given, what), 0, len(given)), 'a quantity such as "20*ms"'
        )
        return number, dimension
    powers = _si_powers(given)
    if powers is None:
        return given, None
    dimension = ONE
    for base, power in powers.items():
        dimension = dimension * _SI[base] ** Fraction(power).limit_denominator(1000)
    plain = given.to_base_units().magnitude if hasattr(given, "to_base_units") else given
    return np.asarray(plain, float) / dimension.scale, dimension


_SI = {
    "[length]": LENGTH, "[mass]": MASS, "[time]": TIME, "[current]": CURRENT, "[temperature]": KELVIN,
    "[substance]": AMOUNT, "[luminosity]": CANDELA,
}  # fmt: skip


def _si_powers(given: Any) -> dict[str, Any] | None:
    """The powers of SI's base units that a quantity of Brian2 or pint has; None for what is neither."""
    if hasattr(given, "dimensionality") and hasattr(given, "to_base_units"):
        return dict(given.dimensionality)
    if hasattr(given, "dim") and hasattr(given.dim, "get_dimension"):
        return {base: given.dim.get_dimension(base[1:-1]) for base in _SI}
    return None


def resolved(name: str) -> tuple[Any, Dimension] | None:
    """The value and dimension of a name that means the same in all equations: a constant or a unit."""
    return (CONSTANTS[name], ONE) if name in CONSTANTS else unit(name)
