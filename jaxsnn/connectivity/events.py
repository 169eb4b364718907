"""Event-driven operations: loops over the neurons that fired, and their dense forms for gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int, Shaped, UInt32

from .._bits import BITS, pack
from .._xla import dispatch

_BLOCK = 128  # words per search: 4096 neurons, up to which one vectorised search is faster than two levels
_RANKS = 128  # spikes located per iteration


def for_each_spike(words: UInt32[Array, " words"], body: Callable[[Array, Any], Any], carry: Any) -> Any:
    """`carry = body(i, carry)` for every neuron `i` that fired, in ascending order.

    `words`: the spikes as bits. A vectorised search finds the next word that is not empty. Measured at 4 000 neurons
    packing and searching cost about 2 us where `jnp.nonzero` costs 28, and unlike it have no capacity.
    """
    if words.shape[0] == 0:  # nobody sends
        return carry
    if words.shape[0] <= _BLOCK:
        return _for_each_bit(words, jnp.int32(0), body, carry)
    blocks = -(-words.shape[0] // _BLOCK)
    words = jnp.pad(words, (0, blocks * _BLOCK - words.shape[0]))

    def block(b: Array, carry: Any) -> Any:
        part = lax.dynamic_slice(words, (b * _BLOCK,), (_BLOCK,))
        return _for_each_bit(part, b * (_BLOCK * BITS), body, carry)

    return lax.fori_loop(jnp.int32(0), jnp.int32(blocks), block, carry)


def _for_each_bit(words: UInt32[Array, " words"], first: Array, body: Callable[[Array, Any], Any], carry: Any) -> Any:
    def found(words: Array) -> tuple[Array, Array]:
        w = jnp.argmax(words != 0).astype(jnp.int32)
        return w, words[w]

    def bits_of(w: Array, word: Array, carry: Any) -> Any:
        def one(state: tuple[Array, Any]) -> tuple[Array, Any]:
            word, carry = state
            return word & (word - np.uint32(1)), body(first + w * BITS + _lowest_bit(word), carry)

        return lax.while_loop(lambda state: state[0] != 0, one, (word, carry))[1]

    def next_word(state: tuple[Array, Array, Array, Any]) -> tuple[Array, Array, Array, Any]:
        words, w, word, carry = state
        carry = bits_of(w, word, carry)
        words = words.at[w].set(np.uint32(0))
        return words, *found(words), carry

    return lax.while_loop(lambda state: state[2] != 0, next_word, (words, *found(words), carry))[3]


def for_groups_of_spikes(
    spikes: Shaped[Array, " n"], body: Callable[[list[Array], Any], Any], carry: Any, *, size: int = 4
) -> Any:
    """`carry = body(neurons, carry)` for `size` neurons that fired at a time, in ascending order.

    The last group is padded with `n`, which is no neuron. Each iteration of a loop costs a quarter of a microsecond:
    where a spike costs less than that, groups halve the time (5 % of 1 024 neurons, a row of 1 024
    integers each: 6 us against 12). Below one or two spikes per step `for_each_spike` is faster.
    """
    n, words = spikes.shape[0], pack(spikes)
    blocks = -(-words.shape[0] // _BLOCK)
    if blocks == 0:  # nobody sends
        return carry
    if blocks == 1:
        return _for_groups_of_bits(words, jnp.int32(0), n, body, carry, size)
    words = jnp.pad(words, (0, blocks * _BLOCK - words.shape[0]))

    def block(b: Array, carry: Any) -> Any:
        part = lax.dynamic_slice(words, (b * _BLOCK,), (_BLOCK,))
        return _for_groups_of_bits(part, b * (_BLOCK * BITS), n, body, carry, size)

    return lax.fori_loop(jnp.int32(0), jnp.int32(blocks), block, carry)


def _for_groups_of_bits(words: UInt32[Array, " words"], first: Array, n: int, body: Any, carry: Any, size: int) -> Any:
    """Turns ranks into positions, many at a time: the word of the bit of rank `k`, then halves of the word."""
    count = lax.population_count(words).astype(jnp.int32)
    place = np.arange(words.shape[0])
    before = jnp.sum(jnp.where(place[None] < place[:, None], count[None], 0), axis=1)
    total = before[-1] + count[-1]

    def neurons(k: Int[Array, " ranks"]) -> Int[Array, " ranks"]:
        w = jnp.sum(before[None] <= k[:, None], axis=1, dtype=jnp.int32) - 1
        word, rank, at = words[w], k - before[w], first + w * BITS
        return jnp.where(k < total, _bit_of_rank(word, rank, at), n)

    def ranks(state: tuple[Array, Any]) -> tuple[Array, Any]:
        k, carry = state
        found = neurons(k + np.arange(_RANKS, dtype=np.int32))

        def group(state: tuple[Array, Any]) -> tuple[Array, Any]:
            at, carry = state
            return at + size, body([found[at + i] for i in range(size)], carry)

        end = jnp.minimum(total - k, _RANKS)
        return k + _RANKS, lax.while_loop(lambda state: state[0] < end, group, (jnp.int32(0), carry))[1]

    return lax.while_loop(lambda state: state[0] < total, ranks, (jnp.int32(0), carry))[1]


def _bit_of_rank(word: UInt32[Array, " ranks"], rank: Int[Array, " ranks"], at: Int[Array, " ranks"]) -> Array:
    """`at` and the place of the set bit of that rank, by halves of the word."""
    for half in (16, 8, 4, 2, 1):
        low = word & np.uint32(2**half - 1)
        below = lax.population_count(low).astype(jnp.int32)
        up = rank >= below
        word, rank = jnp.where(up, word >> np.uint32(half), low), jnp.where(up, rank - below, rank)
        at = at + jnp.where(up, half, 0)
    return at


def neuron_of_rank(words: UInt32[Array, " words"], rank: Int[Array, " ranks"]) -> Int[Array, " ranks"]:
    """The neurons that fired as number 0, 1, ...; anything for ranks that there are not."""
    upto = jnp.cumsum(lax.population_count(words).astype(jnp.int32))
    w = jnp.minimum(jnp.sum(upto[None] <= rank[:, None], axis=1, dtype=jnp.int32), words.shape[0] - 1)
    before = upto[w] - lax.population_count(words[w]).astype(jnp.int32)
    return _bit_of_rank(words[w], rank - before, w * BITS)


def _lowest_bit(word: UInt32[Array, ""]) -> Int[Array, ""]:
    return (31 - lax.clz(word & (~word + np.uint32(1)))).astype(jnp.int32)


def event_driven(
    plain: Callable[..., Any], *, cpu: Callable[..., Any], accelerator: Callable[..., Any]
) -> Callable[..., Any]:
    """One operation in three forms that give the same numbers up to the order of sums.

    - `plain`: dense gather and scatter over everything. It is what is differentiated, so that neurons which stay silent
      have gradients too; there is no event-driven reverse mode.
    - `cpu`: loops over spikes, for one instance. A batch of them is a `lax.map`.
    - `accelerator`: fixed shapes, written for a batch: called with a leading axis of size 1 or B on every argument
      (1: shared by the whole batch) and the static batch size last.
    """

    def one_of_a_batch(*args: Array) -> Any:
        out = accelerator(*(a[None] for a in args), 1)
        return jax.tree.map(lambda o: o[0], out)

    def together(size: int, batched: list[bool]) -> Callable[..., Any]:
        return lambda *args: accelerator(*(a if b else a[None] for a, b in zip(args, batched, strict=True)), size)

    one = lambda *args: lax.platform_dependent(*args, cpu=cpu, default=one_of_a_batch)
    return dispatch(one, each=cpu, together=together, derivative=plain)
