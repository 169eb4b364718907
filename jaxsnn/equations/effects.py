"""What the spikes of one side do to a synapse: statements of `on_pre` or `on_post`, put into each other."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from .expressions import Expression, walk
from .functions import RANDOM
from .parse import Line, Statement
from .source import Source

Increment = tuple[str, Expression]  # `+=` or `=`, and a constant


class Effect(NamedTuple):
    """What a spike does. Expressions are in the names before the spike.

    `weight`: the weight after it; None if it stays. `bounds`: those of a `clip` around it. `sent`: what is added to a
    variable of neurons, by its name: an expression of the weight; `late`: whether that is the weight after the change.
    `traces`: how those of this side change.
    """

    weight: Expression | None
    bounds: tuple[Expression, Expression] | None
    sent: dict[str, Expression]
    late: bool
    traces: dict[str, Increment]


def effect(statements: list[Statement], weight: str, traces: Mapping[str, Line], temporary: set[str]) -> Effect:
    """The effect of a side's statements, in their order; an error points at what is none of a rule."""
    now: dict[str, ast.expr] = {}  # what names stand for, after the statements so far
    new: Expression | None = None
    bounds: tuple[Expression, Expression] | None = None
    sent: dict[str, Expression] = {}
    changes: dict[str, Increment] = {}
    when: set[bool] = set()  # whether the weight had changed where it was passed on
    for each in statements:
        given, source = each.expression, each.expression.source
        _no_chance(given)
        if each.name == weight:
            if bounds is not None:
                source.error(each.at, f"{weight!r} is clipped and then changed again; clip it once, at the end.")
            inner, bounds = _clipped(each)
            node = _put(_assigned(weight, each.operation, inner.node), now)
            new, now[weight] = inner._replace(node=node), node
        elif each.name in traces:
            if each.name in changes:
                source.error(each.at, f"{each.name!r} is changed twice by one spike; add the two.")
            changes[each.name] = _increment(each)
            now[each.name] = _put(_assigned(each.name, each.operation, given.node), now)
        elif each.name in temporary:
            if each.operation != "=":
                source.error(each.at, f"{each.name!r} keeps a value from spike to spike; a rule has the weight "
                                      f"{weight!r} and event-driven traces for that.")  # fmt: skip
            now[each.name] = _put(given.node, now)
        else:
            if each.operation not in ("+=", "-="):
                source.error(each.at, f"{each.name!r} is set by a spike; what synapses do is add, {each.name} += w.")
            if each.name in sent:
                source.error(each.at, f"{each.name!r} is added to twice by one spike; add the two.")
            node = given.node if each.operation == "+=" else ast.UnaryOp(ast.USub(), given.node)
            kept = {name: x for name, x in now.items() if name != weight}
            sent[each.name] = given._replace(node=_put(node, kept))
            if _reads(node, weight):
                when.add(weight in now)
            if len(when) > 1:
                source.error(each.at, f"{weight!r} is passed on before and after its change; expected one of the two.")
    return Effect(new, bounds, sent, True in when, changes)


def _clipped(each: Statement) -> tuple[Expression, tuple[Expression, Expression] | None]:
    """A statement `w = clip(x, low, high)` as `x` and its bounds."""
    given = each.expression
    node: Any = given.node
    if each.operation == "=" and isinstance(node, ast.Call) and getattr(node.func, "id", "") == "clip":
        inner, low, high = node.args
        return given._replace(node=inner), (given._replace(node=low), given._replace(node=high))
    return given, None


def _increment(each: Statement) -> Increment:
    given = each.expression
    if each.operation == "-=":
        return "+=", given._replace(node=ast.UnaryOp(ast.USub(), given.node))
    if each.operation not in ("=", "+="):
        given.source.error(each.at, f"A spike adds to a trace or sets it, {each.name} += a or {each.name} = a.")
    return each.operation, given


_OPERATORS = {"+=": ast.Add, "-=": ast.Sub, "*=": ast.Mult, "/=": ast.Div}


def _assigned(name: str, operation: str, node: ast.expr) -> ast.expr:
    """The value of a name after a statement."""
    if operation == "=":
        return node
    return ast.BinOp(ast.Name(name, ast.Load()), _OPERATORS[operation](), node)


def _put(node: ast.expr, now: Mapping[str, ast.expr]) -> ast.expr:
    """A node with what its names stand for."""

    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return now.get(node.id, node)

        def visit_Call(self, node: ast.Call) -> ast.expr:  # a function's name is none of a value
            return ast.copy_location(ast.Call(node.func, [self.visit(x) for x in node.args], []), node)

    return Put().visit(copy.deepcopy(node))


def _reads(node: ast.expr, name: str) -> bool:
    return any(isinstance(x, ast.Name) and x.id == name for x in walk(node))


def _no_chance(expression: Expression) -> None:
    for node in walk(expression.node):
        if isinstance(node, ast.Call) and node.func.id in RANDOM:  # type: ignore[attr-defined]
            expression.error(node, "A rule has no random numbers.")


def time_constant(line: Line) -> Expression:
    """`tau` of a trace `dx/dt = -x/tau`."""
    expression = line.expression
    assert expression is not None
    node: Any = expression.node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
        negative = True
    else:
        negative = False
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        left: Any = node.left
        if not negative and isinstance(left, ast.UnaryOp) and isinstance(left.op, ast.USub):
            left, negative = left.operand, True
        if negative and isinstance(left, ast.Name) and left.id == line.name and not _reads(node.right, line.name):
            return expression._replace(node=node.right)
    source: Source = line.source
    source.error(
        line.at, f"d{line.name}/dt is not -{line.name}/tau, with a constant tau; a rule has traces that decay."
    )
