"""Dense delivery: a matrix, of which a step reads only the rows of neurons that fired."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Shaped, UInt32

from .._bits import pack
from .._xla import kernel
from .events import event_driven, for_each_spike, for_groups_of_spikes, neuron_of_rank
from .ring import Ring
from .spikes import Spikes

_SPIKES = 8  # of every instance of a batch, delivered at a time


def _product(spikes: Float[Array, " pre"], matrix: Shaped[Array, "pre post"]) -> Float[Array, " post"]:
    return spikes @ matrix.astype(spikes.dtype)


def _rows_of_spikes(
    spikes: Float[Array, " pre"], words: UInt32[Array, " words"], matrix: Shaped[Array, "pre post"]
) -> Float[Array, " post"]:
    # Summed apart from where it goes: measured 1.5 times as fast as adding every row to its destination.
    def row(i: Array, total: Array) -> Array:
        return total + spikes[i] * matrix[i].astype(total.dtype)

    return for_each_spike(words, row, jnp.zeros(matrix.shape[1], spikes.dtype))


def many_rows(spikes: Shaped[Array, " pre"], matrix: Shaped[Array, "pre post"]) -> Shaped[Array, " post"]:
    """`spikes @ matrix` on a CPU, rows of several spikes at a time."""

    def rows(neurons: list[Array], total: Array) -> Array:
        for i in neurons:
            amplitude = spikes.at[i].get(mode="fill", fill_value=0)
            total = total + amplitude * matrix.at[i].get(mode="clip").astype(total.dtype)
        return total

    return for_groups_of_spikes(spikes, rows, jnp.zeros(matrix.shape[1], spikes.dtype))


def _products(spikes: Shaped[Array, "b pre"], matrix: Shaped[Array, "b pre post"], size: int) -> Array:
    """Of a batch, at the cost of all weights."""
    spikes = jnp.broadcast_to(spikes, (size, spikes.shape[1]))
    if matrix.shape[0] == 1:  # shared by the batch: one matrix product
        return spikes @ matrix[0].astype(spikes.dtype)
    return jnp.einsum("bi,bij->bj", spikes, matrix.astype(spikes.dtype))


def _some_rows(spikes: Shaped[Array, "b pre"], matrix: Shaped[Array, "b pre post"], size: int) -> Array:
    """Of a batch, the rows of a few spikes of every instance at a time."""
    if matrix.shape[0] == 1:
        return _products(spikes, matrix, size)
    spikes = jnp.broadcast_to(spikes, (size, spikes.shape[1]))
    words, b = pack(spikes), jnp.arange(size)[:, None]
    count = jnp.sum(lax.population_count(words).astype(jnp.int32), axis=1)

    def some(state: tuple[Array, Array]) -> tuple[Array, Array]:
        k, total = state
        rank = k + jnp.arange(_SPIKES, dtype=jnp.int32)
        real = rank[None] < count[:, None]
        i = jnp.where(real, jax.vmap(lambda words: neuron_of_rank(words, rank))(words), 0)
        amplitude = jnp.where(real, spikes[b, i], 0)
        return k + _SPIKES, total + jnp.einsum("bk,bkj->bj", amplitude, matrix[b, i].astype(spikes.dtype))

    start = jnp.int32(0), jnp.zeros((size, matrix.shape[2]), spikes.dtype)
    return lax.while_loop(lambda state: state[0] < jnp.max(count), some, start)[1]


def _summed(spikes: Array, matrix: Array, *, size: int, post: int) -> list[Array]:
    return [_some_rows(spikes, matrix, size)]


def _summed_on_gpu(spikes: Array, matrix: Array, *, size: int, post: int) -> list[Array]:
    from .gpu import sum_rows

    return sum_rows(spikes, matrix, size=size)


_sum_rows = kernel("sum_rows", _summed, _summed_on_gpu, lambda post: (post,))


def _together(spikes: Array, matrix: Array, size: int) -> Array:
    return _sum_rows(spikes, matrix, size=size, post=matrix.shape[2])[0]


_rows_of = event_driven(
    lambda spikes, words, matrix: _product(spikes, matrix),
    cpu=_rows_of_spikes,
    accelerator=lambda spikes, words, matrix, size: _together(spikes, matrix, size),
)


def rows_of(spikes: Spikes, matrix: Shaped[Array, "pre post"]) -> Float[Array, " post"]:
    """`spikes @ matrix` at the cost of the spikes; any type of numbers."""
    return _rows_of(spikes.amplitude, spikes.words, matrix)


many_rows_of = event_driven(_product, cpu=many_rows, accelerator=_together)
"""`spikes @ matrix` likewise, faster on a CPU where more than a neuron or two fires in a step, and slower below."""


# --- into a ring ------------------------------------------------------------------------------------------------------


class Slots(NamedTuple):
    """Where the columns of a matrix go: `columns[k]` of them from column `first[k]` of a slot on; static."""

    ring: Ring
    columns: tuple[int, ...]
    first: tuple[int, ...]

    @property
    def apart(self) -> bool:
        """Whether no column of a slot belongs to two blocks."""
        spans = sorted(zip(self.first, self.columns, strict=True))
        return all(first + columns <= after for (first, columns), (after, _) in itertools.pairwise(spans))


def _into_slots(*args: Array, size: int, to: Slots, rows: Callable[..., Array] = _some_rows) -> list[Array]:
    """A matrix whose columns lead to several ports, each with a delay and a scale of its own."""
    buffer, spikes, matrix, step, *blocks = args
    carried, begin = rows(spikes, matrix, size), 0
    buffer = jnp.broadcast_to(buffer, (size, to.ring.size))
    for count, first, delay, scale in zip(to.columns, to.first, blocks[::2], blocks[1::2], strict=True):
        part, begin = scale[:, None] * carried[:, begin : begin + count], begin + count
        at, axis = (delay[0] + step[0], None) if max(len(delay), len(step)) == 1 else (delay + step, 0)
        add = jax.vmap(lambda x, at, part, first=first: to.ring.add(x, at, first, part), (0, axis, 0))
        buffer = add(buffer, at, part)
    return [buffer]


def _into_slots_on_gpu(*args: Array, size: int, to: Slots) -> list[Array]:
    from .gpu import add_sums, sum_rows

    if to.ring.ordered and not to.apart:
        rows = lambda spikes, matrix, size: sum_rows(spikes, matrix, size=size)[0]
        return _into_slots(*args, size=size, to=to, rows=rows)
    return add_sums(*args, size=size, to=to)


_add_sums = kernel("add_sums", _into_slots, _into_slots_on_gpu, lambda to: (to.ring.size,))


def add_rows(
    buffer: Float[Array, " places"],
    spikes: Spikes,
    matrix: Shaped[Array, "pre post"],
    step: Array,
    blocks: list[Array],
    to: Slots,
) -> Float[Array, " places"]:
    """A ring with `spikes @ matrix` added on an accelerator. `blocks`: a delay and a scale for each of `to`."""
    given = (buffer, spikes.amplitude, matrix, step, *blocks)
    return _add_sums(*(x[None] for x in given), size=1, to=to)[0][0]
