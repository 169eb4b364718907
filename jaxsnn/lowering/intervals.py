"""Interval arithmetic: bounds of registers that no input can exceed."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

ASSUMED = "every sender fires once in every step, and drives feed inputs, not cells"


class Interval(NamedTuple):
    """An interval for each cell, in floating point, rounded outward."""

    low: Float[Array | np.ndarray, "..."]
    high: Float[Array | np.ndarray, "..."]

    def inside(self, low: float, high: float) -> Array:
        """Whether the interval of every cell is within the range of the register."""
        return jnp.all((self.low >= low) & (self.high <= high))


def outward(low: Array | np.ndarray, high: Array | np.ndarray) -> Interval:
    """An interval of whole numbers that contains these ends despite rounding."""
    slack = 1.0 + 1e-6
    return Interval(jnp.floor(low * slack), jnp.ceil(high * slack))


def geometric(x: Interval, decay: Array) -> Interval:
    """The interval of a register that decays by the fraction `decay` in every step, for inputs within `x`."""
    gain = 1.0 / jnp.maximum(decay, 2.5e-10)  # a register that does not decay has no bound
    return outward(jnp.minimum(x.low, 0.0) * gain, jnp.maximum(x.high, 0.0) * gain)


class Bound(NamedTuple):
    """The smallest and the largest value of a register over the cells of a group, and whether it has room for them."""

    low: float
    high: float
    proved: bool
