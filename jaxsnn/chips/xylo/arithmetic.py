"""The arithmetic of Xylo: states of 16 bits that saturate, decays by shifts, several spikes a step."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from ..._types import canonical_float
from ...lowering.intervals import Interval

LOW, HIGH = -(2**15), 2**15 - 1  # of a state
DASH = (0, 15)  # a decay is a shift of 4 bits


def saturated(x: Int[Array, "..."]) -> Int[Array, "..."]:
    """What a register of 16 bits keeps of a number."""
    return jnp.clip(x, LOW, HIGH)


def lost(x: Int[Array, "..."], dash: Int[Array, "..."]) -> Int[Array, "..."]:
    """What `x` loses in a step: `x / 2^dash`, rounded down, and at least 1 towards zero."""
    part = x >> dash
    return jnp.where(part == 0, jnp.sign(x), part)


def membrane(v: Array, current: Array, dash: Array, bias: Array, version: int) -> Int[Array, " n"]:
    """`v` before the threshold. `current`: of all synapses of a neuron, after its decay.

    Version 1: `sat(v - lost(v) + I)`. Version 2 forms the change first: `sat(v + sat(sat(I - lost(v)) + bias))`, where
    `lost(v)` has 16 bits before its sign is turned: -(-32768), of the lower end at dash 0, stays negative.
    """
    leak = -lost(v, dash)
    if version == 1:
        return saturated(v + leak + current)
    change = saturated(jnp.where(leak > HIGH, LOW, leak) + current)
    return saturated(v + saturated(change + bias))


def in_order(i: Int[Array, " n"], rows: Int[Array, "senders n"], counts: Int[Array, " senders"]) -> Int[Array, " n"]:
    """Currents after the spikes of a step, added one sender after the other, with saturation after each.

    Adding a row `c` times, limited each time, is adding `c` rows and limiting once. Silent senders cost nothing.
    """
    if counts.size == 0:  # nobody sends
        return i
    (who,) = jnp.nonzero(counts, size=counts.size, fill_value=0)
    return lax.fori_loop(0, jnp.count_nonzero(counts), lambda k, i: saturated(i + counts[who[k]] * rows[who[k]]), i)


def fired(v: Array, threshold: Array, most: int, alias: Array | None) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
    """`v` after the threshold, and the spikes of a step, at most `most`: each takes the threshold off `v`.

    What neuron `n` fires its alias fires too. The chip visits neurons in order: an alias behind `n` starts from these
    spikes, which count among its own `most` and which it passes on; to one before `n` they are added at the end.
    """
    own = jnp.where(v >= threshold, v // threshold, 0)
    if alias is None:
        own = jnp.minimum(own, most)
        return v - own * threshold, own
    index = jnp.arange(v.size)
    given = lambda spikes, which: jnp.zeros_like(v).at[alias].add(jnp.where(which & (alias >= 0), spikes, 0))
    behind = lambda spikes: jnp.minimum(given(spikes, alias > index), most)
    visited = lambda spikes: jnp.minimum(behind(spikes) + own, most)
    further = lambda two: (two[1], visited(two[1]))  # along a chain of aliases one link a turn
    _, spikes = lax.while_loop(lambda two: jnp.any(two[0] != two[1]), further, further((own, own)))
    v = v - (spikes - behind(spikes)) * threshold
    return v, jnp.minimum(spikes + given(spikes, alias <= index), most)


def reach(down: Array, up: Array, dash: Array) -> Interval:
    """An interval that a current never leaves, in whatever order a step adds at most `up >= 0` and `down <= 0`.

    It grows until a step loses what a step adds: to `up 2^dash`, and to `-((-down - 1) 2^dash + 1)`, as one below 0 is
    rounded to lose more.
    """
    real = canonical_float()  # int32 may not hold it
    size, most = jnp.exp2(dash.astype(real)), -down.astype(real)
    return Interval(jnp.where(most > 0, -((most - 1.0) * size + 1.0), 0.0), up.astype(real) * size)
