"""A neuron by itself: how fast it fires at which current, and where its state goes from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._linear import Current
from ..networks import Population, network
from ..neurons.base import AbstractNeuron
from ..neurons.ode import AbstractODE
from ..simulation import simulate
from ..simulation.drives import StepCurrent
from ..simulation.probes import FiringRate
from .rasters import count

_SMALL = 1e-3  # ms: over so short a step a neuron that is not an ODE goes along its tangent


class Field(NamedTuple):
    """A vector field on a grid: both coordinates, `(ny, nx)`, and how fast the state moves along them, per ms."""

    x: np.ndarray
    y: np.ndarray
    dx: np.ndarray
    dy: np.ndarray


def fi_curve(
    neuron: AbstractNeuron, currents: Any, *, t: float = 1000.0, start: float = 200.0, dt: float = 0.1
) -> np.ndarray:
    """The f-I curve: the rate at which a neuron fires under each constant current, from `start` to `t`, Hz.

    **Arguments:** `neuron`: one, of any kind, with parameters of shape `()`. `currents`: shape `(n,)`, in the unit that
    its `gain` expects. `t`, `start`, `dt`: ms.

    **Returns** shape `(n,)`. One run of `n` neurons; the rate is a whole number of spikes over `t - start`.

        >>> import jaxsnn as snn
        >>> fi_curve(snn.LIF(tau=20.0, v_th=20.0, v_reset=10.0, t_ref=2.0), [19.0, 25.0], t=600.0, start=100.0).round()
        array([ 0., 42.])
    """
    currents = np.asarray(currents, float)
    if currents.ndim != 1 or not np.isfinite(currents).all() or not len(currents):
        raise ValueError(f"fi_curve: currents of shape {currents.shape}: expected finite numbers, (n,).")
    if not 0.0 <= start < t:
        raise ValueError(f"fi_curve: `start` is {start!r} ms: expected a time from 0 to less than t = {t:g} ms.")
    _one(neuron, "fi_curve")
    net = network(dt=dt, key=jax.random.key(0), populations={"cells": Population(neuron, len(currents))})
    drive = StepCurrent(jnp.asarray(currents, float), into="cells")
    run = simulate(net, drive, t=t, key=jax.random.key(1), record={"rate": FiringRate("cells", start=start)})
    return np.asarray(run["rate"], float)


def vector_field(
    neuron: AbstractNeuron,
    x: tuple[str, float, float],
    y: tuple[str, float, float],
    *,
    current: float = 0.0,
    at: Mapping[str, float] | None = None,
    points: int = 101,
) -> Field:
    """How fast the state of a neuron moves in the plane of two of its variables, under a constant current.

    **Arguments**

    - `neuron`: of any kind. Of an `AbstractODE` its `flow` is evaluated; any other is advanced by a microsecond.
    - `x`, `y`: a variable of its state with the range it is seen in, `("v", -80.0, -40.0)`.
    - `current`: in the unit that its `gain` expects. `at`: values of other variables; default: where a run begins.
    - `points`: of the grid, along each axis.

    **Returns** `Field(x, y, dx, dy)`, NumPy. A nullcline is where `dx` or `dy` is 0: a contour of it.

    **Raises** `ValueError` for a variable that the neuron does not have.
    """
    _one(neuron, "vector_field")
    size = count(points, "vector_field", "points")
    state = neuron.init((size, size), jnp.zeros(0).dtype)
    given = {**(at or {}), x[0]: 0.0, y[0]: 0.0}
    if missing := [name for name in given if name not in state._fields]:
        raise ValueError(
            f"vector_field: {type(neuron).__name__} has no variable {missing[0]!r}: expected one of "
            f"{', '.join(state._fields)}."
        )
    first, second = np.meshgrid(*(np.linspace(low, high, size) for _, low, high in (x, y)))
    values = {name: np.broadcast_to(value, first.shape) for name, value in (at or {}).items()}
    values |= {x[0]: first, y[0]: second}
    state = state._replace(**{name: jnp.asarray(value, jnp.zeros(0).dtype) for name, value in values.items()})
    dx, dy = (np.asarray(x, float) for x in _speed(neuron, state, float(current), (x[0], y[0])))
    return Field(first, second, dx, dy)


def _speed(neuron: AbstractNeuron, state: Any, current: float, names: tuple[str, str]) -> list[Any]:
    """The derivatives of two variables, per ms."""
    injected = jnp.full(state.v.shape, current, state.v.dtype)
    if isinstance(neuron, AbstractODE):
        flows = dict(zip(neuron.variables, neuron.flow(state, injected), strict=False))
        return [jnp.broadcast_to(flows.get(name, jnp.zeros(())), state.v.shape) for name in names]
    ready = neuron.prepared(_SMALL)
    noise = jnp.zeros(state.v.shape, state.v.dtype) if neuron.noisy else None
    after = ready.advance(state, Current(injected), _SMALL, noise=noise)
    return [(getattr(after, name) - getattr(state, name)) / _SMALL for name in names]


def _one(neuron: Any, function: str) -> None:
    if not isinstance(neuron, AbstractNeuron):
        raise ValueError(f"{function}: got {neuron!r}: expected a neuron, such as AdEx().")
    for leaf in jax.tree.leaves(neuron):
        if np.ndim(leaf) != 0:
            raise ValueError(
                f"{function}: a parameter of {type(neuron).__name__} has shape {np.shape(leaf)}: expected one neuron, "
                "whose parameters are numbers."
            )
