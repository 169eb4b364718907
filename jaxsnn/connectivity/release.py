"""Release: the amplitude of a spike as it leaves the presynaptic neuron."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .._tree import children
from .._types import Checked


class AbstractRelease(Checked):
    """The amplitude of a spike as a function of the sender's earlier spikes, written for one neuron, elementwise.

    The state is presynaptic: one for each presynaptic neuron of a projection, shared by its synapses. It advances in
    every step, with or without a spike, and a spike of step `k` uses the state at `t_{k+1}`, its time stamp. The
    amplitude then travels with the projection's delays and is multiplied by its weights.

    A subclass needs `init` and `step`. Parameters are leaves of shape `()` or `(n_pre,)`, or distributions that are
    drawn for every sender when the network is built.
    """

    drawn = True

    @property
    def reliability(self) -> Array | None:
        """The probability that a synapse transmits a spike, drawn for each synapse and spike; None if it always
        does.
        """
        return None

    @property
    def sites(self) -> int:
        """The number of independent sites of a synapse, whose transmissions add up."""
        return 1

    @abc.abstractmethod
    def init(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """The state of a neuron that has never fired."""

    @abc.abstractmethod
    def step(self, s: Any, spike: Float[Array, "..."], dt: float) -> tuple[Any, Float[Array, "..."]]:
        """The state one step later, and the amplitude sent, 0 without a spike."""

    def view(self, s: Any) -> Mapping[str, Array]:
        """The state by name, as probes read it."""
        return children(s)


def fired(spike: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 where there is a spike, whatever its amplitude (two spikes in one step release once, as in NEST).

    Its derivative is that of the amplitude, so that gradients with respect to spikes pass through.
    """
    return spike + lax.stop_gradient((spike != 0).astype(spike.dtype) - spike)


def faded(x: Array, dt: float, tau: Array) -> Array:
    """`x exp(-dt / tau)`, and 0 with a derivative of 0 at `tau = 0`."""
    some = tau > 0
    # an increment: a factor near 1, rounded once, would bias every step of float32 alike
    return x + x * jnp.where(some, jnp.expm1(-dt / jnp.where(some, tau, 1.0)), -1.0)
