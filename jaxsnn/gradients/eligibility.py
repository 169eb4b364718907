"""Eligibility traces: how a weight has moved the state and the spike of the neuron behind it, forwards in time."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..networks.population import Population
from ..networks.stepper import Start
from .edges import Edges
from .walk import real


class Column(NamedTuple):
    """What one cause moves in every neuron: each variable of the state after the step, and the spike."""

    state: list[Float[Array, " n"]]
    spike: Float[Array, " n"]


class Jacobian(NamedTuple):
    """One step of a population, linearised: a column for each variable of the state before, and for each port."""

    by_state: list[Column]
    by_port: dict[str, Column]

    def first(self) -> Jacobian:
        """Of the first neuron alone, for a population whose neurons are all alike."""
        return jax.tree.map(lambda x: x[0], self)


def without_reset(population: Population) -> Population:
    """The population with no derivative through its reset; what else a spike does to the state keeps its own."""
    kind = getattr(population.neuron, "reset_mechanism", None)
    if kind is None or not hasattr(kind, "detach"):
        return population
    neuron: Any = dataclasses.replace(population.neuron, reset_mechanism=dataclasses.replace(kind, detach=True))  # type: ignore[type-var]
    return dataclasses.replace(population, neuron=neuron)


def jacobian(population: Population, start: Start, dt: float, t: Array) -> Jacobian:
    """The derivatives of one step of every neuron, by its own state and its own arrivals, from one `jvp` each.

    Neurons are elementwise, so one tangent of ones gives a column for all of them.
    """
    moving, rest = real(start.state)
    variables, structure = jax.tree.flatten(moving)

    def step(variables: list[Array], arrivals: dict[str, Array]) -> Column:
        whole = eqx.combine(jax.tree.unflatten(structure, variables), rest)
        numbers = dict(ids=start.ids, stream=start.stream)
        after, spike = population.to_threshold(whole, start.current, arrivals, dt, t, **numbers)
        return Column(jax.tree.leaves(real(population.reset(after, spike, dt))[0]), spike)

    _, push = jax.linearize(step, variables, start.arrivals)
    nothing, silence = jax.tree.map(jnp.zeros_like, (variables, start.arrivals))
    by_state = [
        push([jnp.ones_like(x) if a == b else nothing[b] for b, x in enumerate(variables)], silence)
        for a in range(len(variables))
    ]
    by_port = {port: push(nothing, {**silence, port: jnp.ones_like(x)}) for port, x in start.arrivals.items()}
    return Jacobian(by_state, by_port)


class Trace(NamedTuple):
    """Of one projection: by variable of the neuron behind it, and of every read-out that its spikes reach."""

    state: list[Array]
    readouts: dict[str, list[Array]]


def followed(trace: list[Array], j: Jacobian, port: str, cause: Array, spread: Any) -> tuple[list[Array], Array]:
    """A trace one step later, `eps <- J eps + b cause`, and the eligibility of the spike, likewise."""
    into = j.by_port[port]

    def row(of: Any) -> Array:
        total = spread(of(into)) * cause
        for column, x in zip(j.by_state, trace, strict=True):
            total = total + spread(of(column)) * x
        return total

    return [row(lambda c, a=a: c.state[a]) for a in range(len(trace))], row(lambda c: c.spike)


class History(NamedTuple):
    """The spikes of a population in the last steps, as far back as its projections' delays reach."""

    spikes: Float[Array, "slots n"]

    def with_step(self, t: Array, spikes: Array) -> History:
        return History(self.spikes.at[t % self.spikes.shape[0]].set(spikes))

    def sent(self, edges: Edges, t: Array) -> Array:
        """What arrives in step `t` at every synapse of a projection."""
        slots = self.spikes.shape[0]
        if edges.matrix:
            return self.spikes[(t - edges.delay()) % slots][:, None]
        pre, _, _, delay = edges.synapses()
        return self.spikes.at[(t - delay) % slots, pre].get(mode="fill", fill_value=0)
