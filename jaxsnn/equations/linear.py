"""The coefficients of linear equations, `dx/dt = A x + b + c i`, by SymPy, which is imported where they are sought."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any, NamedTuple

from .expressions import DEEPEST, Expression, Look, combined, operands, value
from .functions import FUNCTIONS, number
from .model import Model
from .source import NotLinear

ONE, INPUT = "1", "->"  # columns of the constants and of the input, beside those of the variables: no names


class Linear(NamedTuple):
    """`coefficients[row, column]`: symbolic, those that are not 0; `opaque`: what SymPy takes as unknown functions."""

    coefficients: dict[tuple[str, str], Any]
    opaque: dict[str, Any]

    def values(self, look: Look) -> dict[tuple[str, str], Any]:
        """The coefficients as numbers."""
        return {place: _number(x, look, self.opaque) for place, x in self.coefficients.items()}

    def names(self) -> set[str]:
        """The names that they depend on."""
        return {symbol.name for x in self.coefficients.values() for symbol in x.free_symbols}


def _sympy() -> Any:
    try:
        import sympy
    except ImportError:
        raise ValueError(
            "Whether equations are linear is found by SymPy, which is not installed: pip install 'jaxsnn[equations]'."
        ) from None
    return sympy


def linear(model: Model) -> Linear:
    """The coefficients of a model; an error points at the first equation that is not linear."""
    sympy = _sympy()
    opaque: dict[str, Any] = {}
    rates = {row: _symbolic(expression.node, model, opaque, 0) for row, expression in model.rates.items()}
    columns = {sympy.Symbol(name): name for name in model.rates}
    columns |= {} if model.current is None else {sympy.Symbol(model.current): INPUT}
    fed = [sympy.Symbol(name) for name in model.fed]
    columns |= {x: x.name for x in fed if _added(x, rates.values(), {*columns, *fed})}
    forbidden = {*columns, sympy.Symbol("t")}
    found: dict[tuple[str, str], Any] = {}
    for row, expression in model.rates.items():
        rate = rates[row]
        for x, column in columns.items():
            slope = sympy.diff(rate, x)
            if slope.free_symbols & forbidden:
                _not_linear(row, expression, x.name)
            if slope != 0:
                found[row, column] = slope
        rest = rate.subs(dict.fromkeys(columns, 0))
        if sympy.Symbol("t") in rest.free_symbols:
            expression.error(
                expression.node,
                f"d{row}/dt depends on t, so that there is no exact step; give the part with t a line of its own with "
                "the flag (constant over dt), or take another method.",
                NotLinear,
            )
        if rest != 0:
            found[row, ONE] = rest
    bad = next((place for place, x in found.items() if x.has(sympy.zoo, sympy.nan)), None)
    if bad is not None:
        expression = model.rates[bad[0]]
        expression.error(expression.node, f"d{bad[0]}/dt divides by zero.")
    return Linear(found, opaque)


def _added(x: Any, rates: Iterable[Any], changing: set[Any]) -> bool:
    """Whether something that is fed is only added, so that it is a column beside the input, and no coefficient."""
    slopes = [_sympy().diff(rate, x) for rate in rates]
    return not any(slope.free_symbols & changing for slope in slopes)


def noise(model: Model) -> dict[tuple[str, str], set[str]]:
    """The names on which the factor of a noise depends, by variable and noise."""
    sympy = _sympy()
    found = {}
    symbols = [sympy.Symbol(name) for name in model.noises]
    for row, expression in model.rates.items():
        rate = _symbolic(expression.node, model, {}, 0)
        for symbol in symbols:
            slope = sympy.diff(rate, symbol)
            if slope.free_symbols & {*symbols}:
                expression.error(
                    expression.node, f"d{row}/dt is not linear in {symbol.name}; noise can only be multiplied."
                )
            if slope != 0:
                found[row, symbol.name] = {x.name for x in slope.free_symbols}
    return found


def _not_linear(row: str, expression: Expression, name: str) -> None:
    expression.error(
        expression.node,
        f"d{row}/dt is not linear in {name!r}, so that there is no exact step; take method='exponential_euler' or "
        "'rk4'.",
        NotLinear,
    )


def _symbolic(node: Any, model: Model, opaque: dict[str, Any], depth: int) -> Any:
    """A node for SymPy: sums, products and powers as they are, everything else as an unknown function."""
    sympy = _sympy()
    if not any(isinstance(x, (ast.Name, ast.Call)) for x in ast.walk(node)):
        plain = value(node, lambda _: None)
        whole = float(plain).is_integer() and abs(plain) < 2**31
        return sympy.Integer(int(plain)) if whole else sympy.Float(plain, 17)
    if isinstance(node, ast.Name):
        inner = model.subexpressions.get(node.id)
        if inner is None or node.id in model.frozen:
            return sympy.Symbol(node.id)
        if depth > DEEPEST:
            inner.error(inner.node, f"Subexpressions are nested more than {DEEPEST} deep.")
        return _symbolic(inner.node, model, opaque, depth + 1)
    parts = [_symbolic(x, model, opaque, depth) for x in operands(node)]
    if isinstance(node, ast.BinOp):
        x, y = parts
        if isinstance(node.op, ast.Add):
            return x + y
        if isinstance(node.op, ast.Sub):
            return x - y
        if isinstance(node.op, ast.Mult):
            return x * y
        if isinstance(node.op, ast.Div):
            return x / y
        if isinstance(node.op, ast.Pow):
            return x**y
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -parts[0]
    name = f"opaque_{len(opaque)}"
    opaque[name] = node
    return sympy.Function(name)(*parts)


def _number(x: Any, look: Look, opaque: dict[str, Any]) -> Any:
    """The value of a symbolic coefficient."""
    if x.is_Number:
        return float(x)
    if x.is_Symbol:
        return look(x.name)
    parts = [_number(part, look, opaque) for part in x.args]
    if x.is_Add or x.is_Mul:
        found = parts[0]
        for part in parts[1:]:
            found = found + part if x.is_Add else found * part
        return found
    if x.is_Pow:
        return 1.0 / parts[0] if parts[1] == -1.0 else parts[0] ** _power(parts[1])
    node: Any = opaque[x.func.__name__]
    return FUNCTIONS[node.func.id].of(*map(number, parts)) if hasattr(node, "func") else combined(node, parts)


def _power(x: Any) -> Any:
    return int(x) if isinstance(x, float) and x.is_integer() and abs(x) < 16 else x
