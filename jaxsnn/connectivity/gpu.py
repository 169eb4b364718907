"""Kernels for a GPU, in Pallas: the rows of those that fired, and no others, are read.

They are imported where they are compiled for a card, by the files whose operations they are; `ring` is a `Ring`.
"""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array, Shaped

_SENDERS = 32  # of a program: most of them silent
_LANES = 256  # synapses at a time, at most
_COLUMNS = 512  # of a matrix at a time, at most


def add_rows(given: Any, *, size: int, ring: Any, width: int, sites: int = 0, interpret: bool = False) -> Array:
    """The rings of `size` instances with the rows of their spikes: a program for some senders of an instance each.

    `given`: a `Delivery`. Programs add to the ring at the same time: the order of sums is open, and with it their last
    bits.
    """
    buffer = jnp.broadcast_to(given.buffer, (size, ring.size))
    names = ("spikes", "slot", "start", "place", "weight", "delay")
    refs = {name: x for name in names if (x := getattr(given, name)) is not None}
    senders, lanes = given.spikes.shape[1], power_of_two(width, 32, _LANES)

    def program(*blocks: Any) -> None:
        out, own = blocks[-1], dict(zip(refs, blocks[:-2], strict=True))
        b, first = pl.program_id(0), pl.program_id(1) * _SENDERS
        at = {name: 0 if x.shape[0] == 1 else b for name, x in own.items()}
        slot, neuron = own["slot"][at["slot"]], first + jnp.arange(_SENDERS, dtype=jnp.int32)
        amplitude = loaded(own["spikes"], at["spikes"], neuron, neuron < senders)

        def row(i: Array, a: Array, nothing: Array) -> Array:
            end = own["start"][at["start"], i + 1]

            def piece(position: Array) -> Array:
                synapse = position + jnp.arange(lanes, dtype=jnp.int32)
                inside = synapse < end
                place = loaded(own["place"], at["place"], synapse, inside)
                if "delay" in own:
                    place = place + loaded(own["delay"], at["delay"], synapse, inside) * ring.width
                alike = own["weight"].shape[1] == 1
                w = own["weight"][at["weight"], 0] if alike else loaded(own["weight"], at["weight"], synapse, inside)
                add(out, b, ring.wrap(slot + place), jnp.broadcast_to(w * a, (lanes,)), inside, interpret)
                return position + lanes

            lax.while_loop(lambda position: position < end, piece, own["start"][at["start"], i])
            return nothing

        for_each(amplitude, first, row, jnp.int32(0))

    return pl.pallas_call(
        program,
        grid=(size, -(-senders // _SENDERS)),
        out_shape=jax.ShapeDtypeStruct(buffer.shape, buffer.dtype),
        input_output_aliases={len(refs): 0},
        compiler_params=triton.CompilerParams(num_warps=max(1, lanes // 64)),
        interpret=interpret,
        name="add_rows",
    )(*refs.values(), buffer)


def sum_rows(spikes: Array, matrix: Array, *, size: int, interpret: bool = False) -> list[Array]:
    """`spikes @ matrix` of `size` instances, added up in the order of neurons: a program for some columns of each."""
    lanes, post = power_of_two(matrix.shape[2], 32, _COLUMNS), matrix.shape[2]

    def program(spikes: Any, matrix: Any, out: Any) -> None:
        b, column = pl.program_id(0), pl.program_id(1) * lanes + jnp.arange(lanes, dtype=jnp.int32)
        total = summed(spikes, matrix, b, column, column < post)
        triton.store(out.at[b, column], total, mask=column < post)

    return pl.pallas_call(
        program,
        grid=(size, -(-post // lanes)),
        out_shape=[jax.ShapeDtypeStruct((size, post), spikes.dtype)],
        compiler_params=triton.CompilerParams(num_warps=4),
        interpret=interpret,
        name="sum_rows",
    )(spikes, matrix)


def add_sums(
    buffer: Array,
    spikes: Array,
    matrix: Array,
    step: Array,
    *blocks: Array,
    size: int,
    to: Any,
    interpret: bool = False,
) -> list[Array]:
    """The rings of `size` instances with the same added. `blocks`: of each of the `Slots` its delay and its scale."""
    lanes, count = power_of_two(max(to.columns), 32, _COLUMNS), len(to.columns)
    tiles = [-(-columns // lanes) for columns in to.columns]
    begins = [[0, *itertools.accumulate(x)][:-1] for x in (tiles, to.columns)]  # of every block

    def program(spikes: Any, matrix: Any, step: Any, *rest: Any) -> None:
        b, tile, lane = pl.program_id(0), pl.program_id(1), jnp.arange(lanes, dtype=jnp.int32)
        number = lambda x: x[0 if x.shape[0] == 1 else b]
        *blocks, _, new = rest

        def of_block(numbers: Any) -> Any:
            found = numbers[0]
            for other, begin in zip(numbers[1:], begins[0][1:], strict=True):
                found = jnp.where(tile >= begin, other, found)
            return found

        of = lambda numbers: of_block([jnp.int32(n) for n in numbers])
        within = (tile - of(begins[0])) * lanes + lane
        inside = within < of(to.columns)
        slot = lax.rem(number(step) + of_block([number(blocks[2 * k]) for k in range(count)]), jnp.int32(to.ring.slots))
        place = slot * to.ring.width + of(to.first) + within
        scale = of_block([number(blocks[2 * k + 1]) for k in range(count)])
        total = scale * summed(spikes, matrix, b, of(begins[1]) + within, inside)
        if to.apart:
            triton.store(new.at[b, place], loaded(new, b, place, inside) + total, mask=inside)
        else:  # the programs of two blocks may meet in a slot
            add(new, b, place, total, inside, interpret)

    buffer = jnp.broadcast_to(buffer, (size, to.ring.size))
    return pl.pallas_call(
        program,
        grid=(size, sum(tiles)),
        out_shape=[jax.ShapeDtypeStruct(buffer.shape, buffer.dtype)],
        input_output_aliases={3 + len(blocks): 0},
        compiler_params=triton.CompilerParams(num_warps=4),
        interpret=interpret,
        name="add_sums",
    )(spikes, matrix, step, *blocks, buffer)


def summed(spikes: Any, matrix: Any, b: Any, column: Array, inside: Array) -> Array:
    """Some columns of the rows of those that fired, added up."""
    own, row = (0 if x.shape[0] == 1 else b for x in (spikes, matrix))
    lanes, (_, senders, _) = power_of_two(spikes.shape[1], 32, 1024), matrix.shape

    def some(first: Array, total: Array) -> Array:
        neuron = first * lanes + jnp.arange(lanes, dtype=jnp.int32)

        def one(i: Array, amplitude: Array, total: Array) -> Array:
            numbers = triton.load(matrix.at[row, i, column], mask=inside, other=0)
            return total + amplitude * numbers.astype(total.dtype)

        return for_each(loaded(spikes, own, neuron, neuron < senders), first * lanes, one, total)

    zero = jnp.zeros(column.shape, spikes.dtype)
    return lax.fori_loop(0, -(-senders // lanes), some, zero)


def take(buffer: Array, step: Array, *, size: int, ring: Any, interpret: bool = False) -> list[Array]:
    """The slot of `step` of each ring, and the rings with it emptied."""
    lanes = power_of_two(ring.width, 32, 1024)

    def program(step: Any, old: Any, landed: Any, new: Any) -> None:
        b, column = pl.program_id(0), pl.program_id(1) * lanes + jnp.arange(lanes, dtype=jnp.int32)
        slot, inside = lax.rem(step[0 if step.shape[0] == 1 else b], jnp.int32(ring.slots)), column < ring.width
        place = slot * ring.width + column
        triton.store(landed.at[b, column], loaded(new, b, place, inside), mask=inside)
        triton.store(new.at[b, place], jnp.zeros(lanes, buffer.dtype), mask=inside)

    buffer = jnp.broadcast_to(buffer, (size, ring.size))
    return pl.pallas_call(
        program,
        grid=(size, -(-ring.width // lanes)),
        out_shape=[jax.ShapeDtypeStruct((size, n), buffer.dtype) for n in (ring.width, ring.size)],
        input_output_aliases={1: 1},
        compiler_params=triton.CompilerParams(num_warps=4),
        interpret=interpret,
        name="take",
    )(step, buffer)


def for_each(amplitude: Shaped[Array, " lanes"], first: Array, body: Any, carry: Any) -> Any:
    """`carry = body(neuron, amplitude, carry)` for those of some neurons from `first` on that fired, in order."""
    lane = jnp.arange(amplitude.shape[0], dtype=jnp.int32)
    nobody = amplitude.shape[0]
    next_of = lambda left: jnp.min(jnp.where(left != 0, lane, nobody))

    def one(state: tuple[Array, Array, Any]) -> tuple[Array, Array, Any]:
        i, left, carry = state
        carry = body(first + i, jnp.sum(jnp.where(lane == i, left, 0)), carry)
        left = jnp.where(lane == i, 0, left)
        return next_of(left), left, carry

    return lax.while_loop(lambda state: state[0] < nobody, one, (next_of(amplitude), amplitude, carry))[2]


def loaded(ref: Any, row: Any, at: Array, inside: Array) -> Array:
    """`ref[row, at]` where `inside`, else 0."""
    return triton.load(ref.at[row, at], mask=inside, other=0)


def add(ref: Any, row: Any, at: Array, values: Array, inside: Array, interpret: bool) -> None:
    """`ref[row, at] += values` where `inside`, beside others that add to it; atomics cannot be interpreted."""
    if interpret:
        ref[row] = ref[row].at[jnp.where(inside, at, ref.shape[1])].add(values, mode="drop")
    else:
        triton.atomic_add(ref, (row, at), values, mask=inside)


def put(ref: Any, row: Any, at: Array, values: Array, inside: Array, interpret: bool) -> None:
    """`ref[row, at] = values` where `inside`; an interpreter writes what is masked, too, and at places in any order."""
    if interpret:
        ref[row] = ref[row].at[jnp.where(inside, at, ref.shape[1])].set(values, mode="drop")
    else:
        triton.store(ref.at[row, at], values, mask=inside)


def power_of_two(n: int, least: int, most: int) -> int:
    """The next power of two, within limits."""
    return min(most, max(least, 1 << (n - 1).bit_length()))
