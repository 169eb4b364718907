"""Sparse delivery for a batch of instances, on accelerators: any number of spikes, at the cost of those there are."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, UInt32

from .._xla import kernel
from .events import neuron_of_rank
from .ring import Ring
from .spikes import Spikes
from .stochastic import quanta
from .sums import add_in_order

_SPIKES = 8  # of every instance, delivered at a time


class Draw(NamedTuple):
    """The arguments of the draw; with a leading axis in a batch."""

    stream: Any
    step: Any
    p: Any


class Delivery(NamedTuple):
    """The arguments of a delivery: spikes, synapses and the ring; with a leading axis in a batch."""

    buffer: Float[Array, " size"]
    spikes: Float[Array, " n_pre"] | None  # None: all are 1
    words: UInt32[Array, " words"]
    slot: Int[Array, ""]  # where the slot of the step begins, with what all synapses add to it
    start: Int[Array, " n_pre+1"]
    place: Int[Array, " synapses"]
    weight: Float[Array, "..."]
    delay: Int[Array, " synapses"] | None = None
    pre: Int[Array, " synapses"] | None = None
    draw: Draw | None = None
    number: Int[Array, " synapses"] | None = None  # on which draws depend; None: places


def for_a_batch(given: Delivery, size: int, *, ring: Ring, width: int, sites: int = 0) -> Float[Array, "size places"]:
    """The rings of `size` instances with the rows of their spikes; what the batch shares has a leading axis of 1."""
    given = given._replace(weight=given.weight.reshape(given.weight.shape[0], -1))  # one number is a row of one
    leaves, structure = jax.tree.flatten(given)
    return _delivered(*leaves, size=size, structure=structure, ring=ring, width=width, sites=sites)[0]


def _in_rounds(*leaves: Array, size: int, structure: Any, ring: Ring, width: int, sites: int) -> list[Array]:
    """A few spikes of every instance at a time, and of their rows `width` synapses at a time."""
    given: Delivery = jax.tree.unflatten(structure, leaves)
    last = given.place.shape[1] - 1
    b, lane = jnp.arange(size)[:, None], jnp.arange(width, dtype=jnp.int32)
    pick = lambda x, i: x[b.reshape(size, *(1,) * (i.ndim - 1)) if x.shape[0] > 1 else 0, i]  # of every instance
    slot = given.slot[:, None, None]
    spikes = jnp.sum(lax.population_count(given.words).astype(jnp.int32), axis=1)

    def some(state: tuple[Array, Array]) -> tuple[Array, Array]:
        k, buffer = state
        rank = k + jnp.arange(_SPIKES, dtype=jnp.int32)
        i = jnp.broadcast_to(jax.vmap(partial(neuron_of_rank, rank=rank))(given.words), (size, _SPIKES))
        real = rank[None] < spikes[:, None]
        i = jnp.where(real, i, 0)
        at, end = pick(given.start, i), jnp.where(real, pick(given.start, i + 1), 0)
        amplitude = None if given.spikes is None else pick(given.spikes, i)[..., None]

        def piece(state: tuple[Array, Array]) -> tuple[Array, Array]:
            first, buffer = state
            position = at[..., None] + first + lane[None, None]
            inside = position < end[..., None]
            position = jnp.minimum(position, last)
            place = pick(given.place, position)
            if given.delay is not None:
                place = place + pick(given.delay, position) * ring.width
            w = pick(given.weight, position if given.weight.shape[1] > 1 else jnp.zeros_like(position))
            w = w if amplitude is None else w * amplitude
            if given.draw is not None:
                stream, step, p = given.draw
                own = stream[:, 0, None, None], stream[:, 1, None, None]
                number = position if given.number is None else pick(given.number, position)
                w = w * quanta(own, step[:, None, None], number, pick(p, i)[..., None], sites)
            to = jnp.where(inside, ring.wrap(slot + place), ring.size)
            w = jnp.where(inside, w, 0)
            if ring.ordered:
                return first + width, add_in_order(buffer, to.reshape(size, -1), w.reshape(size, -1))
            return first + width, buffer.at[b[:, :, None], to].add(w, mode="drop")

        longest = jnp.max(end - at)
        return k + _SPIKES, lax.while_loop(lambda state: state[0] < longest, piece, (jnp.int32(0), buffer))[1]

    most, buffer = jnp.max(spikes), jnp.broadcast_to(given.buffer, (size, ring.size))
    return [lax.while_loop(lambda state: state[0] < most, some, (jnp.int32(0), buffer))[1]]


def _row_by_row(*leaves: Array, structure: Any, **static: Any) -> list[Array]:
    """A kernel of its own, but for synapses that draw, and where sums have an order."""
    given: Delivery = jax.tree.unflatten(structure, leaves)
    if given.draw is not None or static["ring"].ordered:
        return _in_rounds(*leaves, structure=structure, **static)
    if given.spikes is None:
        given = given._replace(spikes=Spikes(None, given.words).amplitude)
    from .gpu import add_rows  # imports Pallas, which only cards need

    return [add_rows(given, **static)]


_delivered = kernel("add_rows", _in_rounds, _row_by_row, lambda ring, **_: (ring.size,))
