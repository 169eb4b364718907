"""Sparse delivery: a neuron that fires touches only its own row of synapses, with any delays."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, UInt32

from .events import event_driven, for_each_spike
from .graph import senders_of_rows
from .ring import Ring
from .spikes import Spikes
from .stochastic import StochasticRelease, quanta, with_slope_of_the_mean


class Rows(eqx.Module):
    """Synapses in rows, one per presynaptic neuron, derived from one or several projections for a run.

    `start[i] : start[i + 1]` is the row of neuron `i`. An arrival is added `offset + place + delay * ring.width` places
    behind the start of the step's slot. Synapses behind `start[-1]` are padding. Shared values are scalars, and arrays
    of the projection are not copied: at 10^8 synapses memory is the limit.
    """

    start: Int[Array, " n_pre+1"]
    place: Int[Array, " synapses"]
    weight: Float[Array, "..."]  # `()` or one per synapse
    ring: Ring = eqx.field(static=True)
    width: int = eqx.field(static=True)  # synapses per iteration: the longest row, or a large part of it
    capacity: int = eqx.field(static=True)  # spikes per step that accelerators deliver
    offset: Int[Array, ""] | None = None  # None: 0
    delay: Int[Array, " synapses"] | None = None  # steps, where they are not in `place`
    pre: Int[Array, " synapses"] | None = None  # for derivatives; if None, computed from `start`

    def deliver(
        self,
        buffer: Float[Array, " size"],
        spikes: Spikes,
        step: Int[Array, ""],
        chance: StochasticRelease | None = None,
    ) -> tuple[Array, Array]:
        """The ring with every spike's row added, and whether the capacity on an accelerator was exceeded.

        `chance`: draws the synapses of the row that transmit the spike; None for all of them.
        """
        if self.place.shape[0] == 0:
            return buffer, jnp.zeros((), bool)
        draw = None if chance is None else Draw(chance.stream, chance.step, chance.p)
        ring, sites = self.ring, 0 if chance is None else chance.sites
        slot = self.ring.start(step) if self.offset is None else self.ring.start(step) + self.offset
        given = Delivery(
            buffer,
            spikes.amplitude,
            spikes.words,
            slot,
            self.start,
            self.place,
            self.weight,
            self.delay,
            self.pre,
            draw,
        )
        leaves, structure = jax.tree.flatten(given)
        of = lambda way: lambda *leaves: way(jax.tree.unflatten(structure, leaves))
        batched = lambda *leaves: _gathered_rows(
            jax.tree.unflatten(structure, leaves[:-1]),
            leaves[-1],
            ring=ring,
            sites=sites,
            width=self.width,
            capacity=self.capacity,
        )
        operation = event_driven(
            of(partial(_everything, ring=ring, sites=sites)),
            cpu=of(partial(_rows_of_spikes, ring=ring, sites=sites, width=self.width)),
            accelerator=batched,
        )
        return operation(*leaves)


class Draw(NamedTuple):
    """The arguments of the draw; with a leading axis in a batch."""

    stream: Any
    step: Any
    p: Any


class Delivery(NamedTuple):
    """The arguments of a delivery: spikes, synapses and the ring; with a leading axis in a batch."""

    buffer: Float[Array, " size"]
    spikes: Float[Array, " n_pre"]
    words: UInt32[Array, " words"]
    slot: Int[Array, ""]  # where the slot of the step begins, with what all synapses add to it
    start: Int[Array, " n_pre+1"]
    place: Int[Array, " synapses"]
    weight: Float[Array, "..."]
    delay: Int[Array, " synapses"] | None = None
    pre: Int[Array, " synapses"] | None = None
    draw: Draw | None = None


def _everything(given: Delivery, *, ring: Ring, sites: int = 0) -> tuple[Array, Bool[Array, ""]]:
    """Adds `amplitude * weight` of every synapse, also where it is 0: linear in both, hence the form that has
    gradients.
    """
    count = given.place.shape[0]
    pre = senders_of_rows(given.start, count) if given.pre is None else given.pre
    amplitude = given.spikes.at[pre].get(mode="fill", fill_value=0)  # padding has pre == n_pre
    if given.draw is not None:
        p = given.draw.p.at[pre].get(mode="fill", fill_value=0)
        number = quanta(given.draw.stream, given.draw.step, jnp.arange(count, dtype=jnp.int32), p, sites)
        amplitude = amplitude * with_slope_of_the_mean(number, p, sites)
    place = given.place if given.delay is None else given.place + given.delay * ring.width
    to = ring.wrap(given.slot + place)
    return given.buffer.at[to].add(amplitude * given.weight, mode="drop"), jnp.zeros((), bool)


def _rows_of_spikes(given: Delivery, *, ring: Ring, width: int, sites: int = 0) -> tuple[Array, Bool[Array, ""]]:
    """One row after the other, in pieces of `width`."""
    last = given.place.shape[0] - width
    lane = jnp.arange(width, dtype=jnp.int32)
    part = lambda x, first: lax.dynamic_slice(x, (first,), (width,)) if x.ndim else x

    def row(i: Array, buffer: Array) -> Array:
        end = given.start[i + 1]

        def piece(state: tuple[Array, Array]) -> tuple[Array, Array]:
            at, buffer = state
            first = jnp.minimum(at, last)  # a slice beyond the end would be shifted silently
            inside = (first + lane >= at) & (first + lane < end)
            place = part(given.place, first)
            if given.delay is not None:
                place = place + part(given.delay, first) * ring.width
            to = ring.wrap(given.slot + place)
            w = part(given.weight, first) * given.spikes[i]
            if given.draw is not None:
                stream, step, p = given.draw
                w = w * quanta(stream, step, first + lane, p[i], sites)
            return at + width, buffer.at[jnp.where(inside, to, ring.size)].add(jnp.where(inside, w, 0), mode="drop")

        return lax.while_loop(lambda state: state[0] < end, piece, (given.start[i], buffer))[1]

    return for_each_spike(given.words, row, given.buffer), jnp.zeros((), bool)


def _gathered_rows(
    given: Delivery, size: int, *, ring: Ring, width: int, capacity: int, sites: int = 0
) -> tuple[Array, Bool[Array, " size"]]:
    """All rows at once, for a batch in one index space: `capacity` spikes an instance, pooled over the batch."""
    n, count = given.spikes.shape[1], given.place.shape[1]
    room = min(capacity * size, n * size)
    flat = jnp.broadcast_to(given.spikes, (size, n)).reshape(-1)
    event = jnp.nonzero(flat, size=room, fill_value=size * n)[0].astype(jnp.int32)
    real = event < size * n
    b, i = jnp.where(real, event // n, 0), jnp.where(real, event % n, 0)

    at, end = _pick(given.start, b, i), _pick(given.start, b, i + 1)
    lane = jnp.arange(width, dtype=jnp.int32)[None]
    position = at[:, None] + lane
    inside = real[:, None] & (position < end[:, None])
    position = jnp.minimum(position, count - 1)
    place = _pick(given.place, b[:, None], position)
    if given.delay is not None:
        place = place + _pick(given.delay, b[:, None], position) * ring.width
    to = ring.wrap(_pick(given.slot[:, None], b, jnp.zeros_like(b))[:, None] + place)
    weight = given.weight[:, None] if given.weight.ndim == 1 else given.weight
    w = _pick(weight, b[:, None], position if given.weight.ndim > 1 else jnp.zeros_like(b)[:, None])
    w = w * flat.at[event].get(mode="fill", fill_value=0)[:, None]
    if given.draw is not None:
        stream, step, p = given.draw
        own = tuple(_pick(stream, b[:, None], half) for half in (0, 1))
        p = _pick(p, b[:, None], i[:, None])
        w = w * quanta(own, _pick(step[:, None], b[:, None], 0), position, p, sites)
    buffer = jnp.broadcast_to(given.buffer, (size, ring.size)).reshape(-1)
    buffer = buffer.at[jnp.where(inside, b[:, None] * ring.size + to, size * ring.size)].add(
        jnp.where(inside, w, 0), mode="drop"
    )
    cut = jnp.any(real & (end - at > width)) | (jnp.sum(flat != 0, dtype=jnp.int32) > room)
    return buffer.reshape(size, -1), jnp.broadcast_to(cut, (size,))


def _pick(x: Array, b: Array, i: Array | int) -> Array:
    """`x[b, i]`, where axis 0 has size 1 if the whole batch shares `x`."""
    return x[b, i] if x.shape[0] > 1 else x[0, i]
