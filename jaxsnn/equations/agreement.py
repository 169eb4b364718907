"""Units: those of all expressions of a model agree."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from .dimensions import ONE, TIME, Dimension
from .expressions import Expression, truth
from .model import Model
from .parse import Line
from .units import Units, quantity, resolved


class Agreement(NamedTuple):
    """An expression that has to have the dimension of `name` (None: a number), which an error calls `what`.

    `dimension`: that of the name, where nothing else says it; None where it is found from its use.
    """

    expression: Expression
    name: str | None
    what: str
    dimension: Dimension | None = None


def check_units(
    made: Model, declared: Mapping[str, Line], values: Mapping[str, Any], beside: tuple[Agreement, ...] = ()
) -> None:
    """All units agree, those of expressions `beside` the model's too; fills in its dimensions and values."""
    named: dict[str, Dimension] = {"t": TIME, "dt": TIME}
    named |= {name: ONE for name, _ in made.draws}
    named |= {name: TIME ** Fraction(-1, 2) for name in made.noises}
    named |= {name: Dimension({f"?{name}": 1}) for name in (*made.fed, *(x.name for x in beside if x.name is not None))}
    named |= {each.name: each.dimension for each in beside if each.name is not None and each.dimension is not None}
    if made.current is not None:
        named[made.current] = Dimension({f"?{made.current}": 1})
    for name, given in values.items():
        number, dimension = quantity(given, name)
        named[name] = Dimension({f"?{name}": 1}) if dimension is None else dimension
        line = declared.get(name)
        if line is not None and dimension is not None and dimension != line.dimension:
            line.source.error(line.at, f"{name} is in {line.dimension}, but the value {given!r} is in {dimension}.")
        made.values[name] = number
    named |= {"v": ONE} | {name: line.dimension for name, line in declared.items()}
    if "refractory_period" in values and "refractory_period" not in declared:
        named["refractory_period"] = TIME
    for expression in (*_expressions(made), *(each.expression for each in beside)):
        for node in expression.names():
            if node.id not in named:
                named[node.id] = resolved(node.id)[1]  # type: ignore[index]
    units = Units(named)
    for name, expression in made.rates.items():
        units.check(expression, named[name] / TIME, f"d{name}/dt")
    for name, expression in made.subexpressions.items():
        units.check(expression, named[name], name)
    if made.threshold is not None:
        units.check(made.threshold, ONE, "A threshold")
        if not is_condition(made.threshold, declared):
            made.threshold.error(made.threshold.node, "A threshold is a condition such as v > v_th.")
    if made.refractory is not None:
        units.check(made.refractory, ONE if made.while_true else TIME, "A refractory period")
    for each in made.reset:
        units.check(each.expression, ONE if each.operation in ("*=", "/=") else named[each.name], each.name)
    for each in beside:
        units.check(each.expression, ONE if each.name is None else named[each.name], each.what)
    made.dimensions.update({name: units[name] for name in named})


def is_condition(expression: Expression, declared: Mapping[str, Line]) -> bool:
    """Whether an expression is true or false, and no number."""
    node = expression.node
    inner = declared.get(node.id) if isinstance(node, ast.Name) else None
    return truth(node) or (inner is not None and inner.expression is not None and truth(inner.expression.node))


def _expressions(made: Model) -> list[Expression]:
    given = (made.threshold, made.refractory)
    return [*made.rates.values(), *made.subexpressions.values(), *(each.expression for each in made.reset),
            *(expression for expression in given if expression is not None)]  # fmt: skip
