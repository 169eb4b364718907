"""The adjoint of one population: what `EventProp` runs backwards in time."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._linear import lasting
from ..networks.model import Network
from ..networks.population import Population
from ..neurons.lif import LIF
from ..neurons.readout import LI, Parrot
from ..neurons.refractory import Ungated
from ..neurons.resets import SameStep, ToValue
from ..synapses.exponential import Exponential, ExponentialState
from .support import odd_synapses, steps_as

_LI = ("advance", "add_jump", "spike", "reset")
_LIF = (
    *_LI,
    "threshold",
    "due",
    "held",
    "init",
)  # the methods that make up a step, and the classes whose definition counts


class Adjoint(NamedTuple):
    """Derivatives of the loss with respect to a population's membranes and currents, carried backwards in time.

    `restart`: minus the derivative of the loss with respect to the end of the last refractory period.
    """

    v: Float[Array, " n"]
    i: dict[str, Float[Array, " n"]]
    restart: Float[Array, " n"]


class Passed(NamedTuple):
    """The record of a forward step of a population: who fired, who was refractory, and `dv/dt` of the others."""

    fired: Bool[Array, " n"]
    held: Bool[Array, " n"]
    slope: Float[Array, " n"]


class Cell(eqx.Module):
    """The linear flow of a population over a step, `v <- alpha v + sum_p c_p i_p`, `i_p <- beta_p i_p`, transposed."""

    alpha: Array
    c: dict[str, Array]
    beta: dict[str, Array]
    tau: dict[str, Array]  # of the ports, ms
    rate: Array  # dv/dt per unit of current: R / tau_m
    between: Array  # v_th - v_reset
    dt: float = eqx.field(static=True)

    @classmethod
    def of(cls, population: Population, dt: float) -> Cell:
        neuron: Any = population.neuron  # `unsupported` has made sure that it is LIF or LI with Exponential ports
        ports: dict[str, Any] = population.ports
        n = population.n
        whole = lambda x: jnp.broadcast_to(x, (n,))
        c, beta = {}, {}
        for name, port in ports.items():
            one = jnp.ones_like(neuron.tau)
            state, current = port.advance(ExponentialState(one), None, dt, neuron.tau)
            c[name], beta[name] = whole(neuron.gain.per_step(neuron.tau, dt) * current.a), whole(state.i)
        return cls(
            alpha=whole(jnp.exp(-dt / neuron.tau)),
            c=c,
            beta=beta,
            tau={name: whole(port.tau) for name, port in ports.items()},
            rate=whole(neuron.gain.resistance(neuron.tau, dt) / lasting(neuron.tau, dt)),
            between=whole(neuron.v_th - neuron.v_reset) if isinstance(neuron, LIF) else whole(jnp.zeros(())),
            dt=dt,
        )

    def zeros(self) -> Adjoint:
        zero = jnp.zeros_like(self.alpha)
        return Adjoint(zero, dict.fromkeys(self.beta, zero), zero)

    def arrivals(self, a: Adjoint, held: Array) -> dict[str, tuple[Array, Array]]:
        """For every port, the derivatives with respect to the size of an arrival now and to its time, for a weight of
        one.

        `held`: the neurons that were refractory in the step that ends now. Where the membrane stays clamped, `a.v` is
        0. Where a refractory period ends, the derivative with respect to time jumps: an arrival just before acts on
        the current only, one just after on the moving membrane too. A coincident arrival gets the mean of the two.
        """
        v = jnp.where(held, 0.5 * a.v, a.v)
        return {name: (i, i / self.tau[name] - self.rate * v) for name, i in a.i.items()}

    def back(self, a: Adjoint, passed: Passed, by_v: Array, by_time: Array) -> Adjoint:
        """One step backwards. `by_v`, `by_time`: derivatives of the loss with respect to the membrane and to the times
        of spikes.
        """
        fired, held, slope = passed
        steep = jnp.where(
            fired & (slope > 0), slope, 1.0
        )  # a membrane that did not rise to its threshold started above it
        at_spike = jnp.where(slope > 0, (a.restart - by_time) / steep, 0.0)
        v = jnp.where(fired, at_spike, jnp.where(held, 0.0, a.v + by_v))
        i = {name: self.beta[name] * x + self.c[name] * v for name, x in a.i.items()}
        v = self.alpha * v
        return Adjoint(v, i, jnp.where(held, a.restart, v * slope))


def passed(population: Population, s: Any, current: Array | None, spikes: Array, dt: float) -> Passed:
    """The record of one forward step from state `s`."""
    held = population.neuron.held(s.neuron)
    after = population.advance(s, current, dt, jnp.int32(0), stream=None).neuron.v
    never = jnp.zeros(population.n, bool)
    return Passed(spikes > 0, never if held is None else held, (after - s.neuron.v) / dt)


def unsupported(net: Network) -> str | None:
    """The first part of a network that `EventProp` cannot handle, with an alternative; None if it handles all of it."""
    for name, population in net.populations.items():
        neuron: Any = population.neuron
        if isinstance(neuron, Parrot):
            if any(p.post == name for p in net.projections.values()):
                return f"{name!r} is a Parrot that receives a projection; link the senders to its targets, or use BPTT"
            continue
        if not (steps_as(neuron, LIF, _LIF) or steps_as(neuron, LI, _LI)):
            return (
                f"{name}.neuron is {type(neuron).__name__}, expected LIF, LI or a SpikeSource; BPTT handles any neuron"
            )
        for port, synapse in population.ports.items():
            if not steps_as(synapse, Exponential, ("advance", "receive")):
                kind = type(synapse).__name__
                return f"{name}.{port} is {kind}, expected Exponential currents; BPTT handles any port"
        if isinstance(neuron, LI):
            continue
        if not isinstance(neuron.reset_mechanism, ToValue):
            kind = type(neuron.reset_mechanism).__name__
            return f"{name}.neuron.reset_mechanism is {kind}, expected ToValue(); BPTT handles any reset"
        if not isinstance(neuron.reset_time, SameStep):
            return f"{name}.neuron.reset_time is NextStep, expected SameStep(); BPTT handles both"
        if isinstance(neuron.refractory_input, Ungated):
            return f"{name}.neuron.refractory_input is Ungated, expected Clamp() or Buffer(); BPTT handles all"
        if neuron.noise is not None:
            return f"{name}.neuron.noise is set: a noisy membrane has no slope at its threshold; BPTT handles noise"
    return odd_synapses(net)
