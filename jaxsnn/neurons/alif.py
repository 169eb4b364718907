"""The leaky integrate-and-fire neuron whose threshold rises with every spike and relaxes."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._types import Param, param
from .lif import AbstractLIF


class AbstractIncrement(eqx.Module):
    """What a spike adds to the adaptation `a`."""

    @abc.abstractmethod
    def __call__(self, tau_a: Array, dt: float) -> Array: ...


class WholeIncrement(AbstractIncrement):
    """1: `a` counts the spikes of the last `tau_a` (Bellec et al. 2020; NEST's e-prop models)."""

    def __call__(self, tau_a, dt):
        return jnp.ones_like(tau_a)


class NormalisedIncrement(AbstractIncrement):
    """`1 - exp(-dt / tau_a)`: `a` is the mean number of spikes a step, weighted towards the present."""

    def __call__(self, tau_a, dt):
        return -jnp.expm1(-dt / tau_a)


class ALIFState(NamedTuple):
    """As of `LIF`, and the adaptation."""

    v: Float[Array, "..."]
    a: Float[Array, "..."]
    r: Int[Array, "..."]
    kept: Float[Array, "..."] | None = None
    pending: Float[Array, "..."] | None = None


class ALIF(AbstractLIF):
    """Adaptive LIF in threshold form: `tau dv/dt = -(v - v_rest) + R I`, a spike where `v` reaches `v_th + beta a`,
    with `tau_a da/dt = -a`.

    A spike of step `k` adds to `a` at the end of the step, so that the threshold of step `k + 1` has it, decayed once:
    `a_{k+1} = exp(-dt/tau_a) (a_k + increment z_k)`. The reset subtracts the base threshold. Bellec's recursion
    `v <- alpha v + I - v_th z` is `gain=PerStep(), reset_mechanism=Subtract(), reset_time=NextStep()`, his
    refractoriness `refractory_input=Ungated()`.

    **Arguments**, each of shape `()` or `(n,)`: those of `LIF`, and

    - `beta`: rise of the threshold per unit of `a`, in the unit of `v`. `tau_a`: its time constant, ms.
    - `increment`: `WholeIncrement` or `NormalisedIncrement`.

    **Reference:** Bellec et al., Nature Communications 11:3625 (2020).
    """

    beta: Param = param(1.0, unit="mV", finite=True)
    tau_a: Param = param(200.0, unit="ms", gt=0.0)
    increment: AbstractIncrement = eqx.field(default_factory=WholeIncrement)

    def init(self, shape: tuple[int, ...], dtype: Any) -> ALIFState:
        return ALIFState(a=jnp.zeros(shape, dtype), **self.at_rest(self.v_rest, shape, dtype))

    def threshold(self, s: ALIFState) -> Float[Array, "..."]:
        return self.v_th + self.beta * s.a

    def advance(self, s, current, dt, *, noise=None):
        s = super().advance(s, current, dt, noise=noise)
        return s._replace(a=s.a + s.a * jnp.expm1(-dt / self.tau_a))

    def reset(self, s, spike, dt):
        s = super().reset(s, spike, dt)
        return s._replace(a=s.a + spike * self.increment(self.tau_a, dt))
