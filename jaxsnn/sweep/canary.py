"""A computation that a released jax got wrong without a word; cheap enough to run wherever it matters."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def matvec_is_right() -> bool:
    """Whether a vmapped matrix-vector product followed by a reduction gives what it must.

    jax 0.10.2 fuses the two on CPUs and loses a part of the sum (jax issue 39103), in float32 and float64 alike.
    """
    batch, n = 16, 4096
    matrix, vectors = jnp.ones((n, n)), jnp.ones((batch, n))
    total = jax.jit(lambda m, v: jnp.sum(jax.vmap(lambda x: m @ x)(v)))(matrix, vectors)
    return bool(total == batch * n * n)
