"""The choices that make an integrate-and-fire neuron NEST's, Brian2's, snnTorch's or Loihi's: each one a class.

Most disagreement between simulators is one of these. None of them is a number, so none of them can be swept.
"""

import abc

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from .._types import Checked, param

# --- comparator: who fires when v is exactly at threshold ---------------------------------------------------------


class AbstractComparator(eqx.Module):
    """Whether a membrane at `v` fires."""

    @abc.abstractmethod
    def __call__(self, v: Float[Array, "..."], v_th: Float[Array, "..."]) -> Bool[Array, "..."]: ...


class AtLeast(AbstractComparator):
    """`v >= v_th` (NEST)."""

    def __call__(self, v, v_th):
        return v >= v_th


class Above(AbstractComparator):
    """`v > v_th` (what Brian2 users write; Loihi; snnTorch)."""

    def __call__(self, v, v_th):
        return v > v_th


# --- reset: what firing does to v -----------------------------------------------------------------------------------


class AbstractReset(eqx.Module):
    """What a spike does to the membrane. `detach=True` stops gradients from flowing through the reset.

    The derivative through a reset is the surrogate's slope times the size of the reset: with a slope of 1 at threshold
    (of the normalised distance) it takes away what the membrane had, with a steeper one it reverses and amplifies it.
    """

    detach: eqx.AbstractVar[bool]

    @abc.abstractmethod
    def __call__(self, v: Array, spike: Array, v_th: Array, v_reset: Array) -> Array: ...

    def _through(self, spike: Array) -> Array:
        return lax.stop_gradient(spike) if self.detach else spike


class ToValue(AbstractReset):
    """`v <- v_reset` (NEST, Brian2, Loihi)."""

    detach: bool = eqx.field(default=False, static=True)

    def __call__(self, v, spike, v_th, v_reset):
        fired = self._through(jnp.where(spike > 1.0, 1.0, spike))  # `minimum` would halve the gradient at 1
        return (1.0 - fired) * v + fired * v_reset


class Subtract(AbstractReset):
    """`v <- v - (v_th - v_reset)`: what exceeds the threshold survives (soft reset; snnTorch's default, Norse)."""

    detach: bool = eqx.field(default=False, static=True)

    def __call__(self, v, spike, v_th, v_reset):
        return v - self._through(spike) * (v_th - v_reset)


class Nothing(AbstractReset):
    """`v` is left alone: only the refractory counter, if any, keeps the neuron from firing at every step."""

    detach: bool = eqx.field(default=False, static=True)

    def __call__(self, v, spike, v_th, v_reset):
        return v


class AbstractResetTime(eqx.Module):
    """When the reset is applied."""


class SameStep(AbstractResetTime):
    """At the end of the step in which the neuron fired (NEST, Brian2, Norse, SpikingJelly)."""


class NextStep(AbstractResetTime):
    """Inside the next step, after its leak and input (snnTorch): the peak stays visible for one step."""


# --- what is heard while refractory ---------------------------------------------------------------------------------


class AbstractHearing(eqx.Module):
    """What becomes of jumps in `v` that arrive while the neuron is refractory."""


class Drops(AbstractHearing):
    """`v` is held and jumps are lost (NEST; Brian2 with `(unless refractory)`)."""


class Keeps(AbstractHearing):
    """`v` is held; jumps are kept, discounted by `exp(-r dt / tau)` to the end of the period, and added there.

    NEST's `refractory_input=True`; `r` is the number of steps left, before counting down.
    """


class Integrates(AbstractHearing):
    """`v` is not held: it integrates and hears throughout; only the threshold is gated (Brian2 without the flag)."""


# --- gain: what a current does to v ---------------------------------------------------------------------------------


class AbstractGain(Checked):
    """How a current enters the membrane."""

    drawn = True

    @abc.abstractmethod
    def per_step(self, tau: Array, dt: float) -> Array:
        """The change of `v` at the end of a step per unit of constant current."""

    @abc.abstractmethod
    def resistance(self, tau: Array, dt: float) -> Array:
        """`R` of `tau dv/dt = -(v - v_rest) + R I`."""


class Resistance(AbstractGain):
    """`tau dv/dt = -(v - v_rest) + R I`: with the default `R = 1` a current is given in mV, as in Brian2's `CUBA`."""

    r: Array = param(1.0, unit="mV per unit of current", above=0.0, finite=True)

    def per_step(self, tau, dt):
        return -jnp.expm1(-dt / tau) * self.r

    def resistance(self, tau, dt):
        return self.r


class Capacitance(AbstractGain):
    """`dv/dt = -(v - v_rest) / tau + I / C`: NEST's parametrisation, `C` in pF with `I` in pA."""

    c: Array = param(250.0, unit="pF", above=0.0, finite=True)

    def per_step(self, tau, dt):
        return -jnp.expm1(-dt / tau) * (tau / self.c)

    def resistance(self, tau, dt):
        return tau / self.c


class PerStep(AbstractGain):
    """`v <- exp(-dt / tau) v + I`: a current is added whole in every step, as deep-learning libraries do."""

    def per_step(self, tau, dt):
        return jnp.ones_like(tau)

    def resistance(self, tau, dt):
        return -1.0 / jnp.expm1(-dt / tau)
