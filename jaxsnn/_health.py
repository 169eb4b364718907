"""A computation that a released jax got wrong without a word; cheap enough to run wherever it matters."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def matvec_is_right() -> bool:
    """Whether a vmapped matrix-vector product followed by a reduction gives what it must.

    On CPUs, jax 0.10.2 loses a part of the result where the batch is large (jax issue 39103), in both precisions.
    The largest row used here is a power of two, whose square has no rounding to hide behind.
    """
    rows = 2**15 + 1
    vectors = jnp.zeros((rows, 3)).at[:, 0].set(jnp.arange(rows, dtype=jnp.float32))
    squared = jax.jit(jax.vmap(lambda matrix, x: jnp.sum((matrix @ x) ** 2), in_axes=(None, 0)))
    return float(squared(jnp.eye(3), vectors)[-1]) == (rows - 1.0) ** 2
