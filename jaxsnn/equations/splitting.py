"""Brian2's `exponential_euler` where an equation is not linear in its own variable: what stands beside it is frozen."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from .._linear import phi
from ..neurons.integrators import AbstractIntegrator
from .expressions import Look
from .linear import _number, _symbolic, _sympy
from .model import Model
from .source import NotLinear


class ConditionallyLinear(AbstractIntegrator):
    """Each variable by the exact solution of `dx/dt = A x + B`, with `A` and `B` as they are at the start of the step.

    The equation is multiplied out, and `A` is what stands before `x`; functions of `x` in it are frozen. This is
    Brian2's `exponential_euler`. Where an equation is linear in its own variable it is `ExponentialEuler()`, which
    elsewhere takes the derivative instead: both are of order 1, and differ.
    """

    joint = False
    adaptive = False
    stable = float("inf")

    def __call__(self, flow, y, dt):
        raise ValueError(
            "ConditionallyLinear() got a function, expected equations as text: only snn.equations.neuron has those."
        )


class Split(NamedTuple):
    """`A` and `B` of each variable, symbolic; `opaque`: what SymPy takes as unknown functions."""

    parts: dict[str, tuple[Any, Any]]
    opaque: dict[str, Any]

    def step(self, look: Look, held: Any, held_names: frozenset[str], dt: float) -> dict[str, Any]:
        """The variables at the end of a step."""
        new = {}
        for name, (a, b) in self.parts.items():
            x = look(name)
            slope, rest = (jnp.asarray(_number(part, look, self.opaque), x.dtype) for part in (a, b))
            moved = x + (slope * x + rest) * dt * phi(slope * dt)
            new[name] = jnp.where(held, x, moved) if held is not None and name in held_names else moved
        return new


def split(model: Model) -> Split:
    """The parts of each equation; an error points at the first that cannot be multiplied out to them."""
    sympy = _sympy()
    opaque: dict[str, Any] = {}
    found = {}
    for row, expression in model.rates.items():
        x = sympy.Symbol(row)
        terms = sympy.collect(_symbolic(expression.node, model, opaque, 0).expand(), x, evaluate=False)
        if set(terms) - {x, sympy.Integer(1)}:
            expression.error(
                expression.node,
                f"d{row}/dt is no A*{row} + B, with functions of {row} in A and B only; take another method.",
                NotLinear,
            )
        found[row] = terms.get(x, sympy.Integer(0)), terms.get(sympy.Integer(1), sympy.Integer(0))
    return Split(found, opaque)


def linear_in_itself(model: Model) -> bool:
    """Whether every equation is linear in its own variable."""
    sympy = _sympy()
    for row, expression in model.rates.items():
        x = sympy.Symbol(row)
        if sympy.diff(_symbolic(expression.node, model, {}, 0), x).has(x):
            return False
    return True
