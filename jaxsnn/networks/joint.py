"""Joint integration of a neuron and its ports, for currents that change within the step."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import canonical_float
from ..neurons.integrators import stiffness
from ..neurons.ode import AbstractODE
from ..synapses.base import AbstractSynapse
from ..synapses.refractory import UnlessRefractory


def derivative(port: AbstractSynapse, s: Any, v: Array) -> tuple[Any, Float[Array, "..."] | float]:
    """The `ds/dt` of a port, and its current at that instant.

    Both follow from `advance` at a step of length 0: its tangent and its value. So a port is written once.
    """
    now = jnp.zeros((), v.dtype)
    (_, current), (rate, _) = jax.jvp(lambda dt: port.advance(s, v, dt, None), (now,), (jnp.ones_like(now),))
    if current is None:
        return rate, 0.0
    return rate, current.a if current.b is None else current.a + current.b * v


@eqx.filter_jit  # one program for each kind of neuron and ports, whatever their parameters
def fastest_rate(neuron: AbstractODE, ports: dict[str, AbstractSynapse], n: int) -> Float[Array, ""]:
    """The fastest rate, 1/ms, at which a variable of the silent neuron decays, or one of ports integrated with it."""
    dtype = canonical_float()
    s = neuron.init((n,), dtype)

    def flow(y: Any) -> Any:
        return neuron.flow(s._replace(**dict(zip(neuron.variables, y[0], strict=True))), jnp.zeros(n, dtype)), ()

    fastest = jnp.max(stiffness(flow, (tuple(getattr(s, name) for name in neuron.variables), ())))
    for port in ports.values() if neuron.integrator.joint else ():
        leaves, structure = jax.tree.flatten(port.init((n,), dtype))
        for i, x in enumerate(leaves):

            def rate(x: Array, i: int = i, port: Any = port, given: Any = leaves, shaped: Any = structure) -> Array:
                moved, _ = derivative(port, jax.tree.unflatten(shaped, [*given[:i], x, *given[i + 1 :]]), s.v)
                return jax.tree.leaves(moved)[i]

            fastest = jnp.maximum(fastest, jnp.max(-jax.jvp(rate, (x,), (jnp.ones_like(x),))[1]))
    return fastest


def integrated(
    neuron: AbstractODE, s: Any, ports: dict[str, AbstractSynapse], states: dict[str, Any], current: Array, dt: float
) -> tuple[Any, dict[str, Any]]:
    """A step of `d(neuron, ports)/dt` under an injected current; refractory neurons are held."""
    held = neuron.held(s)

    def flow(s: Any, states: dict[str, Any]) -> tuple[tuple[Array, ...], dict[str, Any]]:
        v, total, rates = neuron.seen(s), current, {}
        for name, port in ports.items():
            rate, part = derivative(port, states[name], v)
            if isinstance(port, UnlessRefractory) and held is not None:
                rate = jax.tree.map(lambda k, held=held: jnp.where(held, 0.0, k), rate)
            rates[name], total = rate, total + part
        return neuron.flow(s, total), rates

    return neuron.integrate(s, states, flow, dt)
