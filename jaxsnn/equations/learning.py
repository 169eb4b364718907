"""A synapse that learns, from a text: its weight, its traces, and what spikes of either side do."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..plasticity.base import AbstractRule
from .dimensions import ONE, TIME, Dimension
from .effects import Effect, effect, time_constant
from .expressions import Expression, walk
from .parse import SYNAPSES, Line, lines, statements
from .source import EquationError, Source, near
from .units import Units, quantity, resolved

TAKEN = ("chained", "model", "recipe", "sent")  # names that a rule by equations has


class Learning(NamedTuple):
    """What a text says of a synapse."""

    weight: str
    traces: dict[str, tuple[str, Expression]]  # the side of each, and its time constant
    pre: Effect
    post: Effect
    parameters: tuple[str, ...]
    dimensions: dict[str, Dimension]
    values: dict[str, Any]

    @property
    def bounds(self) -> tuple[Expression, Expression] | None:
        return self.pre.bounds or self.post.bounds


def learning(text: str, on_pre: str, on_post: str, weight: str, values: Mapping[str, Any]) -> Learning:
    """What a text says of a synapse; an `EquationError` says where the first thing is that is no rule's."""
    found = {line.name: line for line in lines(Source.of(text, "the equations"), SYNAPSES)}
    if weight not in found or found[weight].kind != "parameter":
        raise EquationError(f"There is no line `{weight} : unit` for the weight{near(weight, found)}.")
    for line in found.values():
        if line.kind == "subexpression":
            line.source.error(line.at, f"{line.name!r} is computed in every synapse; write it out where it is used.")
        if line.kind == "differential" and not line.flags:
            said = f"d{line.name}/dt is not flagged (event-driven) or (clock-driven)"
            line.source.error(line.at, f"{said}, which come to the same where a trace decays.")
    traces = {name: line for name, line in found.items() if line.kind == "differential"}
    code = {side: statements(Source.of(given, f"on_{side}")) for side, given in (("pre", on_pre), ("post", on_post))}
    assigned = {each.name for several in code.values() for each in several}
    temporary = {n for n, line in found.items() if line.kind == "parameter" and n != weight and n in assigned}
    pre, post = (effect(code[side], weight, traces, temporary) for side in ("pre", "post"))
    if pre.weight is None and post.weight is None:
        raise EquationError(f"No statement changes the weight {weight!r}, so that this is no rule.")
    if post.sent:
        raise EquationError("on_post adds to a variable of neurons; a rule passes weights on at presynaptic spikes.")
    sides: dict[str, tuple[str, Expression]] = {}
    for name, line in traces.items():
        by = [side for side, each in (("pre", pre), ("post", post)) if name in each.traces]
        if len(by) != 1:
            line.source.error(line.at, f"{name!r} is changed by spikes of {'both sides' if by else 'neither side'}; a "
                                       "trace belongs to one neuron.")  # fmt: skip
        sides[name] = by[0], time_constant(line)
    _same_bounds(pre, post)
    constants = [e for _, e in sides.values()] + [e for x in (pre, post) for _, e in x.traces.values()]
    constants += [e for x in (pre, post) if x.bounds for e in x.bounds]
    changing = [x.weight for x in (pre, post) if x.weight is not None]
    parameters, dimensions, numbers = _named(found, values, weight, traces, temporary, constants, changing)
    _units(found, code, dimensions, sides)
    return Learning(weight, sides, pre, post, parameters, dimensions.named_known(), numbers)


class _Dimensions(Units):
    """Dimensions of names, those that are found included."""

    def named_known(self) -> dict[str, Dimension]:
        return {name: self[name] for name in self.named}


def _named(
    found: Mapping[str, Line], values: Mapping[str, Any], weight: str, traces: Mapping[str, Line], temporary: set[str],
    constants: list[Expression], changing: list[Expression],
) -> tuple[tuple[str, ...], _Dimensions, dict[str, Any]]:  # fmt: skip
    """The parameters, dimensions and values of all names; an error for one that is not defined or no constant."""
    declared = [n for n, line in found.items() if line.kind == "parameter" and n != weight and n not in temporary]
    parameters = [*declared, *(name for name in values if name not in declared)]
    for expression, allowed in [*((e, set()) for e in constants), *((e, {weight, *traces}) for e in changing)]:
        for node in walk(expression.node):
            if isinstance(node, ast.Name) and node.id not in {*parameters, *allowed} and resolved(node.id) is None:
                if node.id in found:
                    raise EquationError(f"{node.id!r} is read where a rule needs a constant, or before it is assigned.")
                raise EquationError(f"{node.id!r} is not defined{near(node.id, [*found, *values])}; give it a value, "
                                    f"{node.id}=..., or a line `{node.id} : unit`.")  # fmt: skip
    named, numbers = {name: line.dimension for name, line in found.items()}, {}
    for name, given in values.items():
        if name in found and name not in declared:
            raise EquationError(f"Got a value for {name!r}, which is no parameter; weights are the connection's.")
        numbers[name], own = quantity(given, name)
        if name not in found:
            named[name] = Dimension({f"?{name}": 1}) if own is None else own
        elif own is not None and own != named[name]:
            found[name].source.error(
                found[name].at, f"{name} is in {named[name]}, but the value {given!r} is in {own}."
            )
    for name in parameters:
        if hasattr(AbstractRule, name) or name in TAKEN:
            raise EquationError(f"{name!r} is a name that every rule has; take another one.")
    return tuple(parameters), _Dimensions(named), numbers


def _units(found: Mapping[str, Line], code: Mapping[str, Any], units: _Dimensions, traces: Mapping[str, Any]) -> None:
    """All units agree."""
    every = [each for several in code.values() for each in several if each.name in found]
    for each in every:
        for node in each.expression.names():
            if node.id not in units.named and (known := resolved(node.id)) is not None:
                units.named[node.id] = known[1]
    for name, (_, tau) in traces.items():
        for node in walk(tau.node):
            if isinstance(node, ast.Name) and node.id not in units.named:
                units.named[node.id] = resolved(node.id)[1]  # type: ignore[index]
        units.check(tau, TIME, f"The time constant of {name}")
    for each in every:
        expected = ONE if each.operation in ("*=", "/=") else units.named[each.name]
        units.check(each.expression, expected, each.name)


def _same_bounds(pre: Effect, post: Effect) -> None:
    """Both changes of the weight are clipped alike."""
    changes = [each for each in (pre, post) if each.weight is not None]
    ends = [None if each.bounds is None else tuple(ast.dump(e.node) for e in each.bounds) for each in changes]
    if len(set(ends)) > 1:
        raise EquationError("on_pre and on_post clip the weight differently; a rule has one pair of bounds.")
