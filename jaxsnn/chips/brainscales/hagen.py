"""The matrix mode ("hagen"): products with weights on the chip's synapses, and what its digital part does."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ..._random import as_key
from ..._types import Param, as_number, check, is_concrete, param

BLOCK = 128  # inputs: signed weights take two rows of 256
WEIGHT, INPUT = 63.0, 31.0  # a sign and 6 bits, 5 bits
LOW, HIGH = -128.0, 127.0  # of a result
GAIN, NOISE = 0.002, 2.0  # LSB of a result for one of a product, and of noise: the defaults of the group's mock


def _passed(exact: Array, smooth: Array) -> Array:
    """`exact`, with the derivative of `smooth`."""
    return lax.stop_gradient(exact) + (smooth - lax.stop_gradient(smooth))


def mac(
    x: Float[Array, "... inputs"],
    weight: Float[Array, "inputs outputs"],
    *,
    sends: int = 1,
    gain: Any = GAIN,
    noise: Any = 0.0,
    key: Any = None,
) -> Float[Array, "... outputs"]:
    """A product on the chip, in blocks of 128 inputs whose results are digitised and added:

        y = clip( sum over blocks of clip( floor( round(x) round(w) sends gain + noise N ) ) )   within -128 and 127

    The floor takes half an LSB a block on average. Its derivative is that of `sends gain x w`, without rounding.

    **Arguments:** `x`: 0..31; `weight`: -63..63. `sends`: how often an input is sent; static. `gain`: LSB for one of
    the product. `noise`: standard deviation, LSB, drawn from `key` for every block.

    **Raises:** ValueError for inputs or weights that the chip does not have; where they are traced they are clipped.
    """
    x, weight, scale, noise = as_number(x), as_number(weight), as_number(sends * gain), as_number(noise)
    check(
        lambda: (jnp.round(x) >= 0) & (jnp.round(x) <= INPUT),
        f"Got inputs beyond 0 to {INPUT:g}; scale them to 5 bits.",
    )
    check(
        lambda: abs(jnp.round(weight)) <= WEIGHT, f"Got weights beyond -{WEIGHT:g} to {WEIGHT:g}; scale them to 6 bits."
    )
    whole, small = jnp.clip(jnp.round(x), 0.0, INPUT), jnp.clip(jnp.round(weight), -WEIGHT, WEIGHT)
    if key is None and not (is_concrete(noise) and np.all(np.asarray(noise) == 0)):
        raise ValueError("Got noise without a key to draw it from; give key=jax.random.key(...), or noise=0.")
    total, blocks = jnp.zeros((*x.shape[:-1], weight.shape[1])), range(0, weight.shape[0], BLOCK)
    for k, first in enumerate(blocks):
        part = slice(first, first + BLOCK)
        y = jnp.matmul(whole[..., part], small[part], precision=lax.Precision.HIGHEST) * scale
        if key is not None:
            y = y + noise * jax.random.normal(jax.random.fold_in(as_key(key), k), y.shape, y.dtype)
        total = total + jnp.clip(jnp.floor(y), LOW, HIGH)
    smooth = jnp.matmul(x, weight, precision=lax.Precision.HIGHEST) * scale
    return _passed(jnp.clip(total, LOW, HIGH), smooth)


def relu(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """`clip(floor(x))` within 0 and 127; its derivative is 1 where `x > 0`."""
    return _passed(jnp.clip(jnp.floor(x), 0.0, HIGH), jnp.where(x > 0, x, 0.0))


def converting_relu(x: Float[Array, "..."], shift: int = 2) -> Float[Array, "..."]:
    """What can be an input again: `clip(floor(relu(x) / 2^shift))` within 0 and 31.

    Its derivative is `2^-shift` where `x > 0` and the result is below its limit.
    """
    part = 2.0**-shift
    exact = jnp.clip(jnp.floor(jnp.clip(jnp.floor(x), 0.0, HIGH) * part), 0.0, INPUT)
    return _passed(exact, jnp.clip(x * part, 0.0, INPUT + 1.0))


def add(x: Float[Array, "..."], other: Float[Array, "..."]) -> Float[Array, "..."]:
    """The sum of clipped floors, clipped: all within -128 and 127; its derivative is that of the sum."""
    kept = lambda x: jnp.clip(jnp.floor(x), LOW, HIGH)
    return _passed(jnp.clip(kept(x) + kept(other), LOW, HIGH), x + other)


class MatrixMode(eqx.Module):
    """A linear layer on the chip in matrix mode, for `eqx.nn.Sequential` and networks by hand: `mac(x, weight)`.

    **Arguments:** `n_in`, `n_out`, and a `key` for `weight`, which is uniform in -63 .. 63 over `sqrt(n_in)`. `sends`:
    static. `gain`, `noise`: as of `mac`; noise is drawn where the layer is called with a key.
    """

    weight: Float[Array, "n_in n_out"]
    gain: Param = param(unit="LSB", gt=0.0)
    noise: Param = param(unit="LSB", ge=0.0)
    sends: int = eqx.field(default=1, static=True)

    def __init__(self, n_in: int, n_out: int, *, sends: int = 1, gain: Any = GAIN, noise: Any = NOISE, key: Array):
        bound = WEIGHT * min(1.0, 3.0 * n_in**-0.5)
        self.weight = jax.random.uniform(as_key(key), (n_in, n_out), minval=-bound, maxval=bound)
        self.gain, self.noise, self.sends = gain, noise, sends

    def __call__(self, x: Float[Array, " n_in"], *, key: Array | None = None) -> Float[Array, " n_out"]:
        return mac(
            x, self.weight, sends=self.sends, gain=self.gain, noise=self.noise if key is not None else 0.0, key=key
        )
