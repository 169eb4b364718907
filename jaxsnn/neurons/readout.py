"""Populations that do not spike by a threshold: read-outs, and parrots that pass on what arrives."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._linear import Current
from .._types import Param, param
from .base import AbstractNeuron, Membrane, zero_or_one
from .gains import AbstractGain, Resistance
from .lif import leak


class LI(AbstractNeuron):
    """Leaky integrator, a read-out that never fires: `tau dv/dt = -(v - v_rest) + R I`, exact for any step.

    **Arguments**, each of shape `()` or `(n,)`: `tau`: ms. `v_rest`: mV. `gain`: what a current does to `v`.
    """

    tau: Param = param(20.0, unit="ms", gt=0.0)
    v_rest: Param = param(0.0, unit="mV", finite=True)
    gain: AbstractGain = eqx.field(default_factory=Resistance)

    @property
    def membrane_tau(self) -> Array:
        return self.tau

    def init(self, shape: tuple[int, ...], dtype: Any) -> Membrane:
        return Membrane(jnp.broadcast_to(self.v_rest, shape).astype(dtype))

    def advance(self, s: Membrane, current: Current, dt: float, *, noise: Array | None = None) -> Membrane:
        return Membrane(leak(s.v, self.v_rest, self.tau, self.gain, current, dt))

    @zero_or_one
    def spike(self, s: Membrane) -> Float[Array, "..."]:
        return jnp.zeros_like(s.v)

    def reset(self, s: Membrane, spike: Array, dt: float) -> Membrane:
        return s


class ParrotState(NamedTuple):
    """What is sent in this step, and what arrived after the threshold, which is sent in the next one."""

    v: Float[Array, "..."]
    waiting: Float[Array, "..."]


class Parrot(AbstractNeuron):
    """Sends on what arrives, amplitudes included (graded spikes). NEST: `parrot_neuron`; Brian2: `SpikeGeneratorGroup`.

    It sends in the step of the arrival or, where arrivals follow the threshold (`BrianOrder`), in the next step.
    """

    def voltage(self, s: ParrotState) -> None:
        return None

    def init(self, shape: tuple[int, ...], dtype: Any) -> ParrotState:
        return ParrotState(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype))

    def advance(self, s: ParrotState, current: Current, dt: float, *, noise: Array | None = None) -> ParrotState:
        return ParrotState(s.waiting, jnp.zeros_like(s.waiting))

    def add_jump(self, s: ParrotState, jump: Array, dt: float, *, fired: Array | None = None) -> ParrotState:
        return s._replace(v=s.v + jump) if fired is None else s._replace(waiting=s.waiting + jump)

    def spike(self, s: ParrotState) -> Float[Array, "..."]:
        return s.v

    def reset(self, s: ParrotState, spike: Array, dt: float) -> ParrotState:
        return s
