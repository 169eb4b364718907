"""What travels along a projection: the amplitude that a presynaptic spike is worth when it leaves."""

from __future__ import annotations

import abc
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .._tree import children
from .._types import Checked


class AbstractRelease(Checked):
    """What a spike sends, as a function of what its sender has sent before: written for one sender, elementwise.

    The state is presynaptic: a projection has one for each sending neuron, whose synapses share it. It moves on in
    every step, also without a spike, and a spike of step `k` sees it at `t_{k+1}`, where the spike is stamped. What is
    released travels with the projection's delays and is multiplied with its weights.

    A subclass needs `init` and `step`. Parameters are leaves of shape `()` or `(n_pre,)`, or distributions that are
    drawn for every sender when the network is built.
    """

    drawn = True

    @property
    def reliability(self) -> Array | None:
        """The probability with which each synapse passes on what is sent, for each spike anew; None for certainty."""
        return None

    @property
    def sites(self) -> int:
        """How many times independently it does so: the sum is what arrives."""
        return 1

    @abc.abstractmethod
    def init(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """The state of a sender that never fired."""

    @abc.abstractmethod
    def step(self, s: Any, spike: Float[Array, "..."], dt: float) -> tuple[Any, Float[Array, "..."]]:
        """The state a step later, and the amplitude sent: 0 where there is no spike."""

    def view(self, s: Any) -> dict[str, Array]:
        """The state by name, as probes read it."""
        return children(s)


def fired(spike: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 where there is a spike, whatever its amplitude (two in one step release once, as in NEST).

    Its derivative is that of the amplitude, so that what is learned through a spike is learned through this too.
    """
    return spike + lax.stop_gradient((spike != 0).astype(spike.dtype) - spike)


def faded(x: Array, dt: float, tau: Array) -> Array:
    """`x exp(-dt / tau)`, and 0 with a derivative of 0 at `tau = 0`."""
    some = tau > 0
    # an increment: a factor near 1, rounded once, would bias every step of float32 alike
    return x + x * jnp.where(some, jnp.expm1(-dt / jnp.where(some, tau, 1.0)), -1.0)
