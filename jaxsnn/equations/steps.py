"""Steps that integrators of functions do not take: those of linear equations, and those of equations with noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._linear import Current
from .exact import Place, propagator
from .linear import INPUT, ONE
from .model import Model
from .stochastic import AbstractStochastic, State

Rows = dict[str, dict[str, Array]]  # coefficients by row and column
Coefficients = dict[Place, Any]


def entries(model: Model, coefficients: Coefficients, dt: float) -> dict[str, Rows]:
    """The coefficients of an exact step for neurons that are free, and for those that are held where that matters."""
    found = {"free": _rows(propagator(coefficients, model.rates, dt))}
    moved = any(row not in model.held and column in model.held for row, column in coefficients)
    if model.refractory is not None and moved:
        found["held"] = _rows(propagator(coefficients, [x for x in model.rates if x not in model.held], dt))
    return found


def sloped(coefficients: Coefficients, current: Current) -> Coefficients:
    """The coefficients beside a current that depends on `v`."""
    found = dict(coefficients)
    for row, column in coefficients:
        if column == INPUT and current.b is not None:
            found[row, "v"] = found.get((row, "v"), 0.0) + coefficients[row, INPUT] * current.b
    return found


def linear_step(model: Model, s: Any, found: dict[str, Rows], current: Array, held: Array | None) -> Any:
    """The state after an exact step."""
    given = {ONE: None, INPUT: current}
    new = {}
    for name in model.rates:
        change = _increment(found["free"].get(name, {}), s, given)
        if held is not None and name in model.held:
            change = jnp.where(held, 0.0, change)
        elif held is not None and "held" in found:
            change = jnp.where(held, _increment(found["held"].get(name, {}), s, given), change)
        new[name] = getattr(s, name) + change
    return s._replace(**new)


def _rows(given: dict[Place, Array]) -> Rows:
    found: Rows = {}
    for (row, column), x in given.items():
        found.setdefault(row, {})[column] = x
    return found


def _increment(row: dict[str, Array], s: Any, given: dict[str, Any]) -> Any:
    """What a row of the propagator adds to its variable."""
    total: Any = 0.0
    for column, x in row.items():
        other = given[column] if column in given else getattr(s, column)
        total = total + (x if other is None else x * other)
    return total


def noisy_step(
    integrator: AbstractStochastic,
    rates: Callable[[State, dict[str, Array]], State],
    x: State,
    normal: dict[str, Array],
    dt: float,
) -> State:
    """The variables after a step. `rates` of the variables and of the noises, in which they are linear."""
    silent = {name: jnp.zeros_like(z) for name, z in normal.items()}

    def diffusion(x: State) -> list[State]:
        one = lambda name: {k: jnp.ones_like(z) if k == name else z for k, z in silent.items()}
        return [jax.jvp(lambda noise: rates(x, noise), (silent,), (one(name),))[1] for name in normal]

    increments = [dt**0.5 * z for z in normal.values()]
    return integrator.step(lambda x: rates(x, silent), diffusion, x, increments, dt)
