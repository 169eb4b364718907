"""A model: what a text of equations says with its threshold, reset and refractoriness."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .dimensions import Dimension
from .expressions import Expression
from .parse import Statement
from .units import resolved

NOISE = re.compile(r"xi(_\w+)?$")
OWN = ("begun", "into", "linear_form", "model", "parts", "propagator", "recipe")  # of a neuron by equations
STATE = ("refractory", "since", "elapsed", "stiff")  # what the state has besides the variables


def check_made(part: Any, maker: str) -> None:
    """Raises ValueError for a class that no text was given to."""
    if not hasattr(type(part), "model"):
        kind = type(part).__name__
        raise ValueError(f"{kind} has no equations; make a class of them by snn.equations.{maker}(...), and take that.")


@dataclass(frozen=True, eq=False)
class Model:
    """What a text says. All names below are those of the text."""

    rates: dict[str, Expression]  # of the variables, `v` first
    subexpressions: dict[str, Expression]
    frozen: tuple[str, ...]  # subexpressions that are constant over a step
    parameters: tuple[str, ...]
    assigned: tuple[str, ...]  # parameters that a reset or a spike assigns, and which therefore are variables
    fed: tuple[str, ...]  # numbers that are set from outside at the start of every step, and stay within it
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
        return (*self.rates, *self.assigned, *self.fed)

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
