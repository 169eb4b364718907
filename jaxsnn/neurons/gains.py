"""Input gains: what a current does to the membrane, as each simulator parametrises it."""

import abc

import jax.numpy as jnp
from jaxtyping import Array

from .._linear import lasting
from .._types import Checked, Param, param


class AbstractGain(Checked):
    """How a current enters the membrane, one without a leak (`tau = inf`) included."""

    drawn = True

    @abc.abstractmethod
    def per_step(self, tau: Array, dt: float) -> Array:
        """The change of `v` at the end of a step per unit of constant current."""

    @abc.abstractmethod
    def resistance(self, tau: Array, dt: float) -> Array:
        """`R` of `tau dv/dt = -(v - v_rest) + R I`; where it grows with `tau`, that of `lasting(tau, dt)`."""


class Resistance(AbstractGain):
    """`tau dv/dt = -(v - v_rest) + R I`: with the default `R = 1` a current is given in mV, as in Brian2's `CUBA`.

    **Arguments:** `r`: mV per unit of current, `()` or `(n,)`.
    """

    r: Param = param(1.0, unit="mV per unit of current", gt=0.0, finite=True)

    def per_step(self, tau, dt):
        return -jnp.expm1(-dt / tau) * self.r

    def resistance(self, tau, dt):
        return self.r


class Capacitance(AbstractGain):
    """`dv/dt = -(v - v_rest) / tau + I / C`: NEST's parametrisation, `C` in pF with `I` in pA.

    **Arguments:** `c`: pF, `()` or `(n,)`.
    """

    c: Param = param(250.0, unit="pF", gt=0.0, finite=True)

    def per_step(self, tau, dt):
        tau = lasting(tau, dt)
        return -jnp.expm1(-dt / tau) * (tau / self.c)

    def resistance(self, tau, dt):
        return lasting(tau, dt) / self.c


class PerStep(AbstractGain):
    """`v <- exp(-dt / tau) v + I`: a current is added whole in every step, as deep-learning libraries do."""

    def per_step(self, tau, dt):
        return jnp.ones_like(tau)

    def resistance(self, tau, dt):
        return -1.0 / jnp.expm1(-dt / lasting(tau, dt))
