"""Sparse delivery: a neuron that fires touches its own row of synapses, with any delay, and nothing else."""

from __future__ import annotations

from functools import partial

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from .events import event_driven, for_each_spike
from .ring import Ring
from .stochastic import StochasticRelease, quanta, with_slope_of_the_mean


class Rows(eqx.Module):
    """Synapses in rows, one row a sending neuron: what `Network.prepare` derives from one or several projections.

    `start[i] : start[i + 1]` is the row of neuron `i`. `place` is where a synapse's arrival goes, relative to the slot
    of the step: `delay * ring.width + port`. Synapses behind `start[-1]` are padding.
    """

    start: Int[Array, " n_pre+1"]
    pre: Int[Array, " synapses"]
    place: Int[Array, " synapses"]
    weight: Float[Array, " synapses"]
    ring: Ring = eqx.field(static=True)
    width: int = eqx.field(static=True)  # synapses handled at once: the longest row, or a good part of it
    capacity: int = eqx.field(static=True)  # spikes a step that accelerators deliver

    def deliver(
        self,
        buffer: Array,
        spikes: Float[Array, " n_pre"],
        step: Int[Array, ""],
        chance: StochasticRelease | None = None,
    ) -> tuple[Array, Array]:
        """The ring with every spike's row added, and whether an accelerator had no room for all of them.

        `chance`: decides which synapses of the row pass the spike on; None for all of them.
        """
        if self.pre.shape[0] == 0:
            return buffer, jnp.zeros((), bool)
        draw, sites = ((), 0) if chance is None else ((chance.stream, chance.step, chance.p), chance.sites)
        static = dict(ring=self.ring, width=self.width, sites=sites)
        operation = event_driven(
            partial(_everything, ring=self.ring, sites=sites),
            cpu=partial(_rows_of_spikes, **static),
            accelerator=partial(_gathered_rows, **static, capacity=self.capacity),
        )
        return operation(buffer, spikes, self.ring.start(step), self.start, self.pre, self.place, self.weight, *draw)


# Of the three, `draw` is what decides by chance, or nothing: (stream, step, p), for each instance where it is a batch.


def _everything(
    buffer, spikes, slot, start, pre, place, weight, *draw, ring: Ring, sites: int = 0
) -> tuple[Array, Bool[Array, ""]]:
    """Every synapse carries `amplitude * weight`, nought or not: linear in both, hence the one that has gradients."""
    amplitude = spikes.at[pre].get(mode="fill", fill_value=0)  # padding has pre == n_pre
    if draw:
        stream, step, p = draw
        p = p.at[pre].get(mode="fill", fill_value=0)
        count = quanta(stream, step, jnp.arange(pre.shape[0], dtype=jnp.int32), p, sites)
        amplitude = amplitude * with_slope_of_the_mean(count, p, sites)
    return buffer.at[ring.wrap(slot + place)].add(amplitude * weight, mode="drop"), jnp.zeros((), bool)


def _rows_of_spikes(buffer, spikes, slot, start, pre, place, weight, *draw, ring: Ring, width: int, sites: int = 0):
    """One row at a time, in pieces of `width`."""
    last = place.shape[0] - width
    lane = jnp.arange(width, dtype=jnp.int32)

    def row(i: Array, buffer: Array) -> Array:
        end = start[i + 1]

        def piece(state: tuple[Array, Array]) -> tuple[Array, Array]:
            at, buffer = state
            first = jnp.minimum(at, last)  # a slice that reached over the end would be moved silently
            inside = (first + lane >= at) & (first + lane < end)
            to = ring.wrap(slot + lax.dynamic_slice(place, (first,), (width,)))
            w = lax.dynamic_slice(weight, (first,), (width,)) * spikes[i]
            if draw:
                stream, step, p = draw
                w = w * quanta(stream, step, first + lane, p[i], sites)
            return at + width, buffer.at[jnp.where(inside, to, ring.size)].add(jnp.where(inside, w, 0), mode="drop")

        return lax.while_loop(lambda state: state[0] < end, piece, (start[i], buffer))[1]

    return for_each_spike(spikes, row, buffer), jnp.zeros((), bool)


def _gathered_rows(
    buffer, spikes, slot, start, pre, place, weight, *rest, ring: Ring, width: int, capacity: int, sites: int = 0
):
    """All rows at once, for a batch in one index space: `capacity` spikes an instance, pooled over the batch."""
    *draw, size = rest
    n = spikes.shape[1]
    room = min(capacity * size, n * size)
    flat = jnp.broadcast_to(spikes, (size, n)).reshape(-1)
    event = jnp.nonzero(flat, size=room, fill_value=size * n)[0].astype(jnp.int32)
    real = event < size * n
    b, i = jnp.where(real, event // n, 0), jnp.where(real, event % n, 0)

    at, end = _pick(start, b, i), _pick(start, b, i + 1)
    lane = jnp.arange(width, dtype=jnp.int32)[None]
    position = at[:, None] + lane
    inside = real[:, None] & (position < end[:, None])
    position = jnp.minimum(position, place.shape[1] - 1)
    to = ring.wrap(_pick(slot[:, None], b, jnp.zeros_like(b))[:, None] + _pick(place, b[:, None], position))
    w = _pick(weight, b[:, None], position) * flat.at[event].get(mode="fill", fill_value=0)[:, None]
    if draw:
        stream, step, p = draw
        own = tuple(_pick(stream, b[:, None], half) for half in (0, 1))
        p = _pick(p, b[:, None], i[:, None])
        w = w * quanta(own, _pick(step[:, None], b[:, None], 0), position, p, sites)
    buffer = jnp.broadcast_to(buffer, (size, ring.size)).reshape(-1)
    buffer = buffer.at[jnp.where(inside, b[:, None] * ring.size + to, size * ring.size)].add(
        jnp.where(inside, w, 0), mode="drop"
    )
    cut = jnp.any(real & (end - at > width)) | (jnp.sum(flat != 0, dtype=jnp.int32) > room)
    return buffer.reshape(size, -1), jnp.broadcast_to(cut, (size,))


def _pick(x: Array, b: Array, i: Array) -> Array:
    """`x[b, i]`, where axis 0 has size 1 if the whole batch shares `x`."""
    return x[b, i] if x.shape[0] > 1 else x[0, i]
