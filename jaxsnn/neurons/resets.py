"""Resets: what a spike does to the membrane, and in which step."""

import abc
from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .._choices import Chosen

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


class AbstractReset(Chosen):
    """What a spike does to the membrane. `detach=True` stops gradients from flowing through the reset.

    The derivative through a reset is the surrogate's slope times the size of the reset: with a slope of 1 at threshold
    (of the normalised distance) it takes away what the membrane had, with a steeper one it reverses and amplifies it.
    """

    detach: AbstractVar[bool]

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
        drop = v_th - v_reset
        return v - self._through(spike) * jnp.where(jnp.isinf(drop), 0.0, drop)  # an infinite threshold: no spikes


class NoReset(AbstractReset):
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
