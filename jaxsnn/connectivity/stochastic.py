"""Stochastic synapses: one draw for every synapse and spike, made at delivery."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, UInt32

from .. import _random


class StochasticRelease(eqx.Module):
    """The synapses that release in a step: a function of (stream, step, synapse) alone."""

    stream: UInt32[Array, " 2"]
    step: Int[Array, ""]
    p: Float[Array, " n_pre"]  # of each site of each synapse of a sender
    sites: int = eqx.field(static=True)


def quanta(stream: Any, step: Array, synapse: Int[Array, "..."], p: Array, sites: int) -> Float[Array, "..."]:
    """The number of `sites` of each synapse that release."""
    first = synapse.astype(jnp.uint32) * jnp.uint32(sites)
    draws = (_random.uniform(stream, step, first + jnp.uint32(site)) < p for site in range(sites))
    return sum((released.astype(p.dtype) for released in draws), jnp.zeros((), p.dtype))


def with_slope_of_the_mean(count: Array, p: Array, sites: int) -> Array:
    """`count`; its derivative with respect to `p` is that of its mean, `sites p` (straight through the draw)."""
    return count + sites * (p - lax.stop_gradient(p))
