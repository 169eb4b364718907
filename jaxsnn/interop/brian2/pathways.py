"""What spikes do in Brian2's synapses, as projections: each statement adds a number of a synapse to a variable."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...equations.dimensions import ONE, Dimension
from ...equations.expressions import Expression, value
from ...equations.functions import RANDOM
from ...equations.parse import Statement, statements
from ...equations.source import EquationError, Source
from ...equations.units import Units, resolved
from .numbers import Number
from .plain import refuse
from .texts import constants


class Addition(NamedTuple):
    """`variable` of the neurons on one side changes by `expression`, one number a synapse, at spikes of a pathway."""

    variable: str
    side: str
    expression: Expression
    sign: float
    at: str  # the line


def of_pathway(what: str, path: Mapping[str, Any], own: set[str]) -> list[Addition] | None:
    """The additions of a pathway; None if it changes variables of the synapses, which `own` names."""
    found = []
    try:
        parsed = statements(Source.of(path["code"], f"on_{path['side']}"))
    except EquationError as error:
        refuse(what, str(error))
    if any(each.name in own for each in parsed):
        return None
    for each in parsed:
        variable, side = sided(each.name)
        line = line_of(each)
        sign = {"+=": 1.0, "-=": -1.0}.get(each.operation)
        if sign is None:
            refuse(
                what, f"{each.name!r} is set by a spike; expected statements that add, such as {each.name} += w", line
            )
        found.append(Addition(variable, side, each.expression, sign, line))
    changed = {(each.variable, each.side) for each in found}
    for each in found:
        for node in each.expression.names():
            if node.id not in own and sided(node.id) in changed:
                refuse(what, f"what is added depends on {node.id!r}, which a spike changes; expected numbers of the "
                       "synapse", each.at)  # fmt: skip
    return found


def sided(name: str) -> tuple[str, str]:
    """A name without the suffix that says whose it is; the receiver's without one."""
    for side in ("pre", "post"):
        if name.endswith(f"_{side}") and len(name) > len(side) + 1:
            return name[: -len(side) - 1], side
    return name, "post"


def line_of(each: Statement) -> str:
    """The line of a statement, as the user wrote it."""
    source = each.expression.source.text
    begin = max(source.rfind(sign, 0, each.at) for sign in "\n;") + 1
    return source[begin:].split("\n")[0].split(";")[0].strip()


class Numbers:
    """The numbers that an expression of a synapse may use, one or one a synapse, by name."""

    def __init__(self, what: str, given: Mapping[str, Any], sides: Mapping[str, Mapping[str, Number]]):
        self.what, self.sides = what, sides
        self.index = {"pre": given["pre"], "post": given["post"]}
        self.known = {name: Number.of(entry) for name, entry in given["values"].items()}
        self.known |= constants(what, given["names"])
        ends = {"pre": given["source"], "post": given["target"]}
        self.known |= {
            letter: Number((self.index[side] - ends[side]["start"]).astype(float), ONE)
            for letter, side in (("i", "pre"), ("j", "post")) if letter not in self.known
        }  # fmt: skip
        for side, end in ends.items():
            self.known[f"N_{side}"] = Number(np.asarray(float(end["stop"] - end["start"])), ONE)
        self.own = {*self.known}

    def find(self, name: str) -> Number | None:
        """The number of a name; None of one that changes."""
        if name not in self.known:
            variable, side = sided(name)
            number = self.sides[side].get(variable)
            if number is not None:
                many = np.ndim(number.value) > 0
                self.known[name] = Number(number.value[self.index[side]] if many else number.value, number.dimension)
            elif (meant := resolved(name)) is not None:
                self.known[name] = Number(np.asarray(float(meant[0])), meant[1])
        return self.known.get(name)

    def of(self, addition: Addition, expected: Dimension | None) -> Any:
        """The value of what an addition adds, in the library's units: a number, or one a synapse."""
        expression = addition.expression
        for node in expression.names():
            if self.find(node.id) is None:
                refuse(self.what, f"what is added depends on {node.id!r}, which changes in a run; expected numbers of "
                       "the synapse, of Brian2's namespace, or parameters of the neurons", addition.at)  # fmt: skip
        if calls(expression):
            refuse(self.what, "what is added is drawn anew at every spike; expected numbers of the synapse",
                   addition.at)  # fmt: skip
        units = Units({name: number.dimension for name, number in self.known.items()})
        if expected is not None:
            try:
                units.check(expression, expected, addition.variable)
            except EquationError as error:
                refuse(self.what, str(error))
        found = np.asarray(value(expression.node, lambda name: self.known[name].plain), float) * addition.sign
        if found.size and np.all(found == found.flat[0]):
            return float(found.flat[0])
        return found


def calls(expression: Expression) -> list[Any]:
    """The calls that draw random numbers."""
    every = (node for node in ast.walk(expression.node) if isinstance(node, ast.Call))
    return [node for node in every if getattr(node.func, "id", "") in RANDOM]


def delay_ms(path: Mapping[str, Any], dt: float) -> Any:
    """The delay of a pathway on the grid of `dt` s, rounded by the operations of Brian2's queue: halves up."""
    steps = np.floor(np.asarray(path["delay"]) / dt + 0.5)
    ms = steps * (dt * 1e3)
    return float(ms) if ms.ndim == 0 else ms
