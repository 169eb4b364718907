"""Decays of Loihi's registers, in exact integers."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Int


def decay(x: Int[Array, "..."], d: Int[Array, "..."]) -> Int[Array, "..."]:
    """`x (4096 - d) / 4096`, rounded toward zero, exact for `|x| < 2^31` and `0 <= d <= 4096`.

    The product has up to 43 bits; from the high and low 12 bits of `|x|` it is exact without them.
    """
    keep, size = 4096 - d, jnp.abs(x)
    high, low = size >> 12, size & 4095
    return jnp.sign(x) * (high * keep + ((low * keep) >> 12))
