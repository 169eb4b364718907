"""The interval proof: what no input can make a register exceed, and where that cannot be shown."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

ASSUMED = "every sender fires once in every step, and drives feed inputs, not cells"


class Interval(NamedTuple):
    """Between which numbers a register stays, cell by cell. In floating point, rounded outward."""

    low: Float[Array, "..."]
    high: Float[Array, "..."]

    def inside(self, low: float, high: float) -> Array:
        """Whether all cells stay within."""
        return jnp.all((self.low >= low) & (self.high <= high))


def outward(low: Array, high: Array) -> Interval:
    """An interval of whole numbers that has these ends within it, whatever floating point lost of them."""
    slack = 1.0 + 1e-6
    return Interval(jnp.floor(low * slack), jnp.ceil(high * slack))


def geometric(x: Interval, decay: Array) -> Interval:
    """What a register that loses the share `decay` of itself in every step can reach under inputs within `x`."""
    gain = 1.0 / jnp.maximum(decay, 2.5e-10)  # a register that does not decay has no bound
    return outward(jnp.minimum(x.low, 0.0) * gain, jnp.maximum(x.high, 0.0) * gain)


class Bound(NamedTuple):
    """The smallest and the largest value of a register over all cells of a group, and whether it holds them."""

    low: float
    high: float
    proved: bool
