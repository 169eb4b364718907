"""Exponentially decaying currents."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._linear import Current, phi
from .._types import Param, param
from .base import AbstractHold, AbstractSynapse, ExactIntegral, ZeroOrderHold, membrane_rate


class ExponentialState(NamedTuple):
    """The synaptic current."""

    i: Float[Array, "..."]


class Exponential(AbstractSynapse):
    """`di/dt = -i / tau`, `i <- i + w` at an arrival: weights in units of current.

    NEST: `iaf_psc_exp`; PyNN: `IF_curr_exp`; Brian2: `dge/dt = -ge/taue`, `on_pre="ge += w"`.

    With `x = dt/tau_m - dt/tau` the constant current with the same effect over a step is
    `i phi(x) / phi(dt/tau_m)`, `phi(x) = (e^x - 1)/x`: right to rounding also at `tau == tau_m`.

    **Arguments:** `tau`: decay time constant, ms, shape `()` or `(n,)`. `hold`: `ExactIntegral()` or `ZeroOrderHold()`.
    """

    tau: Param = param(5.0, unit="ms", gt=0.0)
    hold: AbstractHold = eqx.field(default_factory=ExactIntegral)

    weight_unit = "current"

    def init(self, shape, dtype):
        return ExponentialState(jnp.zeros(shape, dtype))

    def advance(self, s, v, dt, tau_m):
        decayed = ExponentialState(s.i + s.i * jnp.expm1(-dt / self.tau))
        if isinstance(self.hold, ZeroOrderHold):
            return decayed, Current(s.i)
        m = membrane_rate(dt, tau_m)
        return decayed, Current(s.i * (phi(m - dt / self.tau) / phi(m)))

    def receive(self, s, arrivals):
        return ExponentialState(s.i + arrivals), None
