"""How far a potential can go, whatever arrives: an axon brings at most one spike a step."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._types import canonical_float
from .arithmetic import LINEAR, NORMAL


def reach(cells: Any) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Bounds of the potential of `CoreCells` before it is compared; infinite where it can grow from step to step.

    With `up` and `down`, what a step adds and takes at most, a potential that did not fire is below the threshold, and
    one that is reset linearly sinks by a threshold: it has a bound if `up` is at most that. So it is downwards.
    """
    real = canonical_float()
    wide = lambda x: jnp.broadcast_to(jnp.asarray(x).astype(real), (cells.n,))
    sums = lambda x: jax.ops.segment_sum(x.astype(real), cells.receiver, cells.n)
    leak = wide(cells.leak)
    either = wide(cells.reversal) > 0
    up = sums(jnp.maximum(cells.added, 0)) + jnp.where(either, jnp.abs(leak), jnp.maximum(leak, 0.0))
    down = sums(jnp.maximum(-cells.added, 0)) + jnp.where(either, jnp.abs(leak), jnp.maximum(-leak, 0.0))
    noise = 0.0 if cells.noise_bits is None else jnp.exp2(wide(cells.noise_bits)) - 1.0
    alpha, beta, reset = wide(cells.threshold), wide(cells.negative), wide(cells.reset)
    mode, saturates = wide(cells.reset_mode), wide(cells.saturates) > 0
    grows = lambda step, limit: jnp.where(mode == NORMAL, False, jnp.where(mode == LINEAR, step > limit, step > 0.0))
    highest = jnp.maximum(jnp.maximum(alpha + noise, jnp.abs(reset)), wide(cells.v_start))
    lowest = -jnp.maximum(jnp.maximum(beta + noise, jnp.abs(reset)), -wide(cells.v_start))
    high = jnp.where(grows(up, alpha), jnp.inf, highest + up)
    low = jnp.where(grows(down, beta) & ~saturates, -jnp.inf, lowest - down)
    return low, high
