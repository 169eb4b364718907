"""Alpha-shaped currents."""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._linear import Current, phi, phi_prime
from .._types import Param, param
from .base import AbstractHold, AbstractSynapse, ExactIntegral, ZeroOrderHold, membrane_rate


class AlphaState(NamedTuple):
    """The synaptic current and the variable that drives its rise."""

    i: Float[Array, "..."]
    y: Float[Array, "..."]


class Alpha(AbstractSynapse):
    """`di/dt = y - i/tau`, `dy/dt = -y/tau`, `y <- y + w e/tau` at an arrival: the current peaks at `w` after `tau`.

    NEST: `iaf_psc_alpha`; PyNN: `IF_curr_alpha`.

    The constant current with the same effect over a step is `(i phi(x) + dt y phi'(x)) / phi(dt/tau_m)`,
    `x = dt/tau_m - dt/tau`.

    **Arguments:** `tau`: time to peak, ms, shape `()` or `(n,)`. `hold`: `ExactIntegral()` or `ZeroOrderHold()`.
    """

    tau: Param = param(5.0, unit="ms", gt=0.0, finite=True)
    hold: AbstractHold = eqx.field(default_factory=ExactIntegral)

    weight_unit = "current"

    def init(self, shape, dtype):
        return AlphaState(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype))

    def advance(self, s, v, dt, tau_m):
        i, loss = s.i + dt * s.y, jnp.expm1(-dt / self.tau)
        decayed = AlphaState(i + i * loss, s.y + s.y * loss)
        if isinstance(self.hold, ZeroOrderHold):
            return decayed, Current(s.i)
        m = membrane_rate(dt, tau_m)
        x = m - dt / self.tau
        return decayed, Current((s.i * phi(x) + dt * s.y * phi_prime(x)) / phi(m))

    def receive(self, s, arrivals):
        return s._replace(y=s.y + arrivals * (math.e / self.tau)), None
