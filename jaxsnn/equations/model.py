"""A model: the lines of a text with its threshold, reset and refractoriness, every name of them known and its unit
checked.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..neurons.ode import AbstractODE
from .dimensions import ONE, TIME, Dimension
from .expressions import Expression, truth, walk
from .functions import FUNCTIONS, RANDOM
from .parse import Line, Statement, lines, statements
from .source import EquationError, Source, near
from .units import Units, quantity, resolved

NOISE = re.compile(r"xi(_\w+)?$")
OWN = ("begun", "into", "linear_form", "model", "propagator", "recipe")  # of a neuron by equations
STATE = ("refractory", "since", "elapsed", "stiff")  # what the state has besides the variables


@dataclass(frozen=True, eq=False)
class Model:
    """What a text says. All names below are those of the text."""

    rates: dict[str, Expression]  # of the variables, `v` first
    subexpressions: dict[str, Expression]
    frozen: tuple[str, ...]  # subexpressions that are constant over a step
    parameters: tuple[str, ...]
    assigned: tuple[str, ...]  # parameters that a reset assigns, and which therefore are variables
    held: frozenset[str]  # variables that are constant while refractory
    shared: frozenset[str]
    threshold: Expression | None
    reset: tuple[Statement, ...]
    refractory: Expression | None
    while_true: bool  # whether `refractory` is a condition, not a time
    current: str | None  # the name of the input, if it is used
    noises: tuple[str, ...]
    draws: tuple[tuple[str, str], ...]  # the name of a random number, and its distribution
    clocks: frozenset[str]  # of `t` and `dt`, those used
    dimensions: dict[str, Dimension]
    values: dict[str, Any]  # of parameters and, at the start, of variables

    @property
    def variables(self) -> tuple[str, ...]:
        """What the state keeps from step to step."""
        return (*self.rates, *self.assigned)

    def reached(self, expression: Expression) -> set[str]:
        """The names that the value of an expression depends on, through subexpressions."""
        found: set[str] = set()
        for node in expression.names():
            inner = self.subexpressions.get(node.id)
            found |= {node.id} if inner is None or node.id in self.frozen else self.reached(inner)
        return found

    def constant(self, names: set[str]) -> bool:
        """Whether these are parameters, or mean the same in all equations."""
        return all(name in self.parameters or self._fixed(name) for name in names)

    def _fixed(self, name: str) -> bool:
        own = {*self.variables, *self.frozen, *self.noises, *(name for name, _ in self.draws), "t", "dt", self.current}
        return name not in own and resolved(name) is not None


def model(
    text: str, threshold: str | None, reset: str | None, refractory: Any, current: str, values: Mapping[str, Any]
) -> Model:
    """The model of a text; an `EquationError` says where the first thing is that is wrong."""
    found = lines(Source.of(text, "the equations"))
    _names(found)
    by_kind = lambda kind: [line for line in found if line.kind == kind]
    rates = {line.name: _plain(line.expression) for line in by_kind("differential")}
    taken = next((line for line in found if line.name == "v" and line.kind != "differential"), None)
    if taken is not None:
        taken.source.error(
            taken.at,
            f"'v' is a {taken.kind} here; the membrane, which ports, probes and plasticity know as v, has to be a "
            "variable: write dv/dt = ..., or take another name.",
        )
    rates = {"v": rates.get("v", _whole("0/ms", "dv/dt")), **rates}  # without a membrane: one that stays at 0
    draws: list[tuple[str, str]] = []
    subexpressions = {}
    for line in by_kind("subexpression"):
        assert line.expression is not None
        frozen = "constant over dt" in line.flags
        subexpressions[line.name] = _drawn(line.expression, draws) if frozen else _plain(line.expression)
    after = statements(Source.of(reset, "reset")) if reset else []
    after = [each._replace(expression=_drawn(each.expression, draws)) for each in after]
    fires = None if threshold is None else _drawn(_whole(threshold, "threshold"), draws)
    period, values = _refractory(refractory, dict(values))
    if threshold is None and (after or period):
        raise EquationError("There is a reset or a refractory period but no threshold; give threshold='v > v_th'.")

    declared = {line.name: line for line in found}
    everything = [*rates.values(), *subexpressions.values(), *(each.expression for each in after)]
    everything += [expression for expression in (fires, period) if expression is not None]
    own = {name for name, _ in draws}
    used: set[str] = {each.name for each in after}
    noises, undefined = [], None
    for expression in everything:
        for node in expression.names():
            name = node.id
            used.add(name)
            if name in declared or name in values or name in own or name in ("t", "dt", current):
                continue
            if NOISE.match(name):
                noises += [] if name in noises else [name]
            elif resolved(name) is None and undefined is None:
                undefined = expression, node
    if undefined is not None:
        expression, node = undefined
        expression.error(
            node,
            f"{node.id!r} is not defined{near(node.id, {*declared, *values, current, *FUNCTIONS})}; give it a value, "
            f"{node.id}=..., or a line `{node.id} : unit`.",
        )
    for name in values:
        line = declared.get(name)
        if line is not None and line.kind == "subexpression":
            raise EquationError(f"Got a value for {name!r}, which is a subexpression and has none of its own.")
        if line is None and name not in used:
            raise EquationError(f"Got a value for {name!r}, which the equations do not have{near(name, used)}.")
    targets = dict.fromkeys(each.name for each in after)
    parameters = [line.name for line in by_kind("parameter")] + [n for n in values if n not in declared]
    for each in after:
        if each.name not in rates and each.name not in parameters:
            each.expression.source.error(each.at, f"{each.name!r} is no variable{near(each.name, rates)}; a reset "
                                         "changes variables and parameters.")  # fmt: skip
    assigned = tuple(name for name in targets if name not in rates)
    made = Model(
        rates=rates,
        subexpressions=subexpressions,
        frozen=tuple(line.name for line in by_kind("subexpression") if "constant over dt" in line.flags),
        parameters=tuple(name for name in parameters if name not in assigned),
        assigned=assigned,
        held=frozenset(line.name for line in found if "unless refractory" in line.flags),
        shared=frozenset(line.name for line in found if "shared" in line.flags),
        threshold=fires,
        reset=tuple(after),
        refractory=period,
        while_true=period is not None and _condition(period, declared),
        current=current if current in used and current not in declared and current not in values else None,
        noises=tuple(noises),
        draws=tuple(draws),
        clocks=frozenset({"t", "dt"} & used - {*declared, *values}),
        dimensions={},
        values={},
    )
    _acyclic(made)
    for name in (*made.variables, *made.parameters, *made.frozen):
        _free(name, declared.get(name))
    _check(made, declared, values)
    return made


# --- names ------------------------------------------------------------------------------------------------------------


def _names(found: list[Line]) -> None:
    """Every name once, and none that is taken."""
    seen: dict[str, Line] = {}
    for line in found:
        source = line.source
        if line.name in seen:
            source.error(line.at, f"{line.name!r} has an equation already; names are defined once.")
        if line.name in FUNCTIONS or line.name in RANDOM or line.name in ("t", "dt") or NOISE.match(line.name):
            source.error(line.at, f"{line.name!r} means something in every equation; take another name.")
        seen[line.name] = line


def _free(name: str, line: Line | None) -> None:
    """A name that becomes a field of the neuron or of its state."""
    if hasattr(AbstractODE, name) or name.startswith("_") or name in (*STATE, *OWN) or keyword.iskeyword(name):
        message = f"{name!r} is a name that every neuron has; take another one."
        if line is None:
            raise EquationError(message)
        line.source.error(line.at, message)


def _acyclic(made: Model) -> None:
    """No subexpression contains itself."""

    def follow(name: str, above: tuple[str, ...]) -> None:
        expression = made.subexpressions[name]
        for node in expression.names():
            if node.id in (*above, name):
                expression.error(node, f"{node.id!r} contains itself; write it as a differential equation.")
            if node.id in made.subexpressions:
                follow(node.id, (*above, name))

    for name in made.subexpressions:
        follow(name, ())


def _whole(text: str, what: str) -> Expression:
    source = Source.of(text, what)
    return Expression.of(source, 0, len(source.text))


def _refractory(given: Any, values: dict[str, Any]) -> tuple[Expression | None, dict[str, Any]]:
    """The refractory period as an expression; a number becomes the parameter `refractory_period`."""
    if given is None or given is False:
        return None, values
    if isinstance(given, str):
        period = _whole(given, "refractory")
        for node in _calls(period):
            period.error(
                node, "A refractory period has no random numbers; let the reset draw it: `period = 2*ms*rand()`."
            )
        return period, values
    values["refractory_period"] = quantity(given, "refractory")[0]
    return _whole("refractory_period", "refractory"), values


def _condition(expression: Expression, declared: Mapping[str, Line]) -> bool:
    node = expression.node
    inner = declared.get(node.id) if isinstance(node, ast.Name) else None
    return truth(node) or (inner is not None and inner.expression is not None and truth(inner.expression.node))


# --- random numbers ---------------------------------------------------------------------------------------------------


def _calls(expression: Expression) -> Iterator[Any]:
    return (x for x in walk(expression.node) if isinstance(x, ast.Call) and x.func.id in RANDOM)  # type: ignore


def _plain(expression: Expression | None) -> Expression:
    """An expression without random numbers."""
    assert expression is not None
    for node in _calls(expression):
        expression.error(
            node,
            "A random number would change within the step; write noise as xi, or give the number a line of its own "
            "with the flag (constant over dt).",
        )
    return expression


def _drawn(expression: Expression, draws: list[tuple[str, str]]) -> Expression:
    """An expression whose random numbers are names, one a call."""

    class Named(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            self.generic_visit(node)
            if node.func.id not in RANDOM:  # type: ignore[attr-defined]
                return node
            draws.append((f"drawn_{len(draws)}", RANDOM[node.func.id]))  # type: ignore[attr-defined]
            return ast.copy_location(ast.Name(draws[-1][0], ast.Load()), node)

    return expression._replace(node=Named().visit(expression.node))


# --- units ------------------------------------------------------------------------------------------------------------


def _check(made: Model, declared: Mapping[str, Line], values: Mapping[str, Any]) -> None:
    """All units agree; fills in the dimensions and values of a model."""
    named: dict[str, Dimension] = {"t": TIME, "dt": TIME}
    named |= {name: ONE for name, _ in made.draws}
    named |= {name: TIME ** Fraction(-1, 2) for name in made.noises}
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
    for expression in _expressions(made):
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
        if not _condition(made.threshold, declared):
            made.threshold.error(made.threshold.node, "A threshold is a condition such as v > v_th.")
    if made.refractory is not None:
        units.check(made.refractory, ONE if made.while_true else TIME, "A refractory period")
    for each in made.reset:
        units.check(each.expression, ONE if each.operation in ("*=", "/=") else named[each.name], each.name)
    made.dimensions.update({name: units[name] for name in named})


def _expressions(made: Model) -> list[Expression]:
    given = (made.threshold, made.refractory)
    return [*made.rates.values(), *made.subexpressions.values(), *(each.expression for each in made.reset),
            *(expression for expression in given if expression is not None)]  # fmt: skip
