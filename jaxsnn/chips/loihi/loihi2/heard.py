"""What all kinds share: the input of a cell, and whether its registers hold the result of a step."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from ...._status import Status, bit


def heard(arrived: Int[Array, " n"], fed: Float[Array, " n"] | None) -> Int[Array, " n"]:
    """The sum of what synapses bring and drives feed, in the unit of weights: not aligned by 2^6."""
    return arrived if fed is None else arrived + jnp.round(fed).astype(jnp.int32)


def beyond(flag: Status, *registers: Int[Array, " n"]) -> UInt32[Array, ""]:
    """`flag` where a number needs more than the 24 bits of a register; Lava keeps it in 32, and so is it kept here."""
    lost = [(x << 8) >> 8 != x for x in registers]
    return bit(flag, jnp.any(jnp.stack(lost)))
