"""What a spike sends, from a text: variables of the sender, statements at a spike, and the one that is sent."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

from .dimensions import ONE, TIME, Dimension
from .expressions import Expression, walk
from .functions import RANDOM
from .parse import SYNAPSES, Line, Statement, check_order, lines, statements
from .source import EquationError, Source, near
from .units import Units, quantity, resolved


class Sending(NamedTuple):
    """What a text says of a spike that is sent. `code`: its statements; the last one that adds is what is sent."""

    variables: dict[str, Expression]  # their derivatives
    code: tuple[Statement, ...]
    sent: str
    weight: str | None
    parameters: tuple[str, ...]
    dimensions: dict[str, Dimension]
    values: dict[str, Any]


def sending(text: str, on_pre: str, weight: str | None, values: Mapping[str, Any]) -> Sending:
    """What a text says of a spike; an `EquationError` says where the first thing is that is no release's."""
    found = {line.name: line for line in lines(Source.of(text, "the equations"), SYNAPSES)}
    code = statements(Source.of(on_pre, "on_pre"))
    variables = {name: line for name, line in found.items() if line.kind == "differential"}
    declared = {name for name, line in found.items() if line.kind == "parameter"}
    for line in found.values():
        if line.kind == "subexpression":
            line.source.error(line.at, f"{line.name!r} is computed in every synapse; write it out where it is used.")
        if line.kind == "differential" and not line.flags:
            said = f"d{line.name}/dt is not flagged (event-driven) or (clock-driven)"
            line.source.error(line.at, f"{said}, which come to the same where it is linear.")
    temporary: dict[str, None] = {}
    sent = [each for each in code if each.operation in ("+=", "-=") and each.name not in {*variables, *declared}
            and not any(each.name == other.name and other.operation == "=" for other in code)]  # fmt: skip
    if len(sent) != 1:
        at = code[-1] if not sent else sent[1]
        at.expression.source.error(at.at, f"{len(sent)} statements add to a variable of the receivers; expected one, "
                                   "ge += ..., which is what is sent.")  # fmt: skip
    for each in code:
        if each.name in variables or each is sent[0]:
            continue
        if each.operation != "=" and each.name not in temporary:
            each.expression.source.error(
                each.at,
                f"{each.name!r} keeps a value from spike to spike and has no equation; write d{each.name}/dt = ...",
            )
        temporary[each.name] = None
    if weight is not None and not _factor(sent[0].expression.node, weight):
        given = sent[0].expression
        given.error(given.node, f"{weight!r} is no factor of what is sent; expected {weight}*...")
    check_order(code, temporary)
    parameters = [name for name in declared if name not in temporary and name != weight]
    parameters += [name for name in values if name not in declared and name.removesuffix("_0") not in variables]
    known = {*parameters, *variables, *temporary} | ({weight} if weight else set())
    for line in variables.values():
        _affine(line, {*parameters})
    for each in code:
        for node in walk(each.expression.node):
            if isinstance(node, ast.Call) and node.func.id in RANDOM:  # type: ignore[attr-defined]
                each.expression.error(node, "A release by equations has no random numbers.")
            if isinstance(node, ast.Name) and node.id not in known and resolved(node.id) is None:
                each.expression.error(node, f"{node.id!r} is not defined{near(node.id, known)}; give it a value, "
                                      f"{node.id}=..., or a line `{node.id} : unit`.")  # fmt: skip
    dimensions, numbers = _dimensions(found, variables, code, temporary, values, weight, sent[0].name)
    rates = {name: line.expression for name, line in variables.items() if line.expression is not None}
    return Sending(rates, tuple(code), sent[0].name, weight, tuple(parameters), dimensions, numbers)


def _factor(node: Any, name: str) -> bool:
    """Whether an expression is a product with this name as one factor."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        sides = [any(isinstance(x, ast.Name) and x.id == name for x in walk(part)) for part in (node.left, node.right)]
        return sum(sides) == 1 and _factor(node.left if sides[0] else node.right, name)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _factor(node.left, name) and not any(isinstance(x, ast.Name) and x.id == name for x in walk(node.right))
    return isinstance(node, ast.Name) and node.id == name


def _affine(line: Line, parameters: set[str]) -> None:
    """`dx/dt = a + b x`, with constants."""
    expression = line.expression
    assert expression is not None

    def degree(node: Any) -> int:
        if isinstance(node, ast.Name):
            if node.id != line.name and node.id not in parameters and resolved(node.id) is None:
                expression.error(node, f"{node.id!r} is no constant, which d{line.name}/dt needs besides {line.name}.")
            return int(node.id == line.name)
        if isinstance(node, ast.UnaryOp):
            return degree(node.operand)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            return max(degree(node.left), degree(node.right))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return degree(node.left) + degree(node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return degree(node.left) + 2 * degree(node.right)
        return 2 * max([degree(x) for x in walk(node) if isinstance(x, ast.Name)], default=0)

    if degree(expression.node) > 1:
        expression.error(expression.node, f"d{line.name}/dt is not linear in {line.name!r}, as a release's are.")


def _dimensions(
    found: Mapping[str, Line], variables: Mapping[str, Line], code: list[Statement], temporary: Mapping[str, None],
    values: Mapping[str, Any], weight: str | None, sent: str,
) -> tuple[dict[str, Dimension], dict[str, Any]]:  # fmt: skip
    """The dimensions of all names, those included that are found from their use, and the values that are given."""
    named, numbers = {name: line.dimension for name, line in found.items()}, {}
    named |= {f"{name}_0": line.dimension for name, line in variables.items()}
    for name in (*temporary, sent, *([weight] if weight else [])):
        named.setdefault(name, Dimension({f"?{name}": 1}))
    for name, given in values.items():
        numbers[name], own = quantity(given, name)
        named.setdefault(name, Dimension({f"?{name}": 1}) if own is None else own)
        if own is not None and own != named[name]:
            raise EquationError(f"{name} is in {named[name]}, but the value {given!r} is in {own}.")
    units = Units(named)
    rates = [line.expression for line in variables.values()]
    for expression in (*rates, *(each.expression for each in code)):
        for node in walk(expression.node):  # type: ignore[union-attr]
            if isinstance(node, ast.Name) and node.id not in named:
                named[node.id] = resolved(node.id)[1]  # type: ignore[index]
    for name, line in variables.items():
        units.check(line.expression, line.dimension / TIME, f"d{name}/dt")  # type: ignore[arg-type]
    for each in code:
        units.check(each.expression, ONE if each.operation in ("*=", "/=") else named[each.name], each.name)
    return {name: units[name] for name in named}, numbers
