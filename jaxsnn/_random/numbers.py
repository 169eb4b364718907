"""Real numbers and integers of a law, from the two words of a step and an id."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from .._types import canonical_float
from .generator import as_word, words


def uniform(stream: Any, step: Any, ids: Any) -> Any:
    """Uniform in [0, 1): the canonical float type, with all its 24 (float32) or 53 (float64) bits."""
    high, low = words(stream, step, ids)
    dtype = canonical_float()
    if dtype == np.float32:
        return (high >> np.uint32(8)).astype(dtype) * np.float32(2.0**-24)
    coarse, fine = (high >> np.uint32(5)).astype(dtype), (low >> np.uint32(6)).astype(dtype)
    return (coarse * np.float64(2.0**26) + fine) * np.float64(2.0**-53)


def normal(stream: Array, step: ArrayLike, ids: ArrayLike) -> Float[Array, "..."]:
    """Standard normal by Box and Muller, `+-sqrt(-2 ln u) cos(a)`: always finite, at most 6.8 from zero.

    One word gives the radius with all its 32 bits, which keeps the tail; the other the sign and the angle, which need
    only span [-pi/2, pi/2) then, where the power series of the cosine costs a tenth of a general cosine.
    """
    radial, angular = words(stream, step, ids)
    dtype = canonical_float()
    u = (radial.astype(dtype) + dtype.type(0.5)) * dtype.type(2.0**-32)  # in (0, 1]
    number = lax.bitcast_convert_type(angular << np.uint32(1), jnp.int32)
    square = (number.astype(dtype) * dtype.type(2.0**-32 * math.pi)) ** 2
    cosine = jnp.ones_like(square)
    for k in range(7 if dtype == np.float32 else 12, 0, -1):
        cosine = 1 - square * cosine * dtype.type(1 / (2 * k * (2 * k - 1)))
    radius = jnp.sqrt(dtype.type(-2.0) * jnp.log(u))
    return jnp.where(angular >> np.uint32(31) == 0, radius, -radius) * cosine


def below(words: Any, n: Any) -> Any:
    """Uniform integers in [0, n), `floor(word n / 2^32)`: the high half of a 32x32-bit product from 16-bit pieces.

    No value is off its probability 1/n by more than 2^-32. `words` and `n`: uint32 (or `n` a Python int).
    """
    n, half, mask = as_word(n), np.uint32(16), np.uint32(0xFFFF)
    word_low, word_high, n_low, n_high = words & mask, words >> half, n & mask, n >> half
    middle = word_high * n_low + (word_low * n_low >> half)
    return word_high * n_high + (middle >> half) + (word_low * n_high + (middle & mask) >> half)
