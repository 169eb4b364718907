"""The order of reads and writes inside a loop, which XLA derives from data alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool

from .named import named

T = TypeVar("T")


@named("zero_after")
def zero_after(x: Array) -> Array:
    """Zeros of the shape and type of `x` that cannot be computed before `x` is.

    A buffer that is read and then written in the same step is updated in place only if the write depends on the read;
    otherwise XLA may write first, and copies the buffer to read from. `min(|x|, 0)` is such a zero, as XLA does not
    simplify it. Its derivative is 0: that of `minimum` would be 1/2.
    """
    whole = jnp.issubdtype(x.dtype, jnp.integer)
    size = x & jnp.asarray(jnp.iinfo(x.dtype).max, x.dtype) if whole else jnp.abs(x)  # |-2^31| is no int32
    return lax.stop_gradient(jnp.minimum(size, 0))


def at_most_once(pred: Bool[Array, ""], function: Callable[[T], T], x: T) -> T:
    """`function(x)` if `pred`, else `x`, as a loop of at most one iteration: it updates `x` in place.

    Under `vmap` it runs only where `pred` holds for some member of the batch, while a branch (`lax.cond`) becomes a
    select that runs in every step. It has no derivative in reverse.
    """
    once = lambda state: (jnp.zeros((), bool), function(state[1]))
    return lax.while_loop(lambda state: state[0], once, (pred, x))[1]
