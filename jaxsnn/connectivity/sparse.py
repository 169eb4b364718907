"""Sparse delivery: a neuron that fires touches only its own row of synapses, with any delays."""

from __future__ import annotations

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from .batch import Delivery, Draw, for_a_batch
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
    offset: Int[Array, ""] | None = None  # None: 0
    delay: Int[Array, " synapses"] | None = None  # steps, where they are not in `place`
    pre: Int[Array, " synapses"] | None = None  # for derivatives; if None, computed from `start`
    number: Int[Array, " synapses"] | None = None  # on which draws depend; None: the places

    def deliver(
        self,
        buffer: Float[Array, " size"],
        spikes: Spikes,
        step: Int[Array, ""],
        chance: StochasticRelease | None = None,
    ) -> Float[Array, " size"]:
        """The ring with every spike's row added.

        `chance`: draws the synapses of the row that transmit the spike; None for all of them.
        """
        if self.place.shape[0] == 0:
            return buffer
        draw = None if chance is None else Draw(chance.stream, chance.step, chance.p)
        ring, sites = self.ring, 0 if chance is None else chance.sites
        slot = self.ring.start(step) if self.offset is None else self.ring.start(step) + self.offset
        given = Delivery(
            buffer,
            spikes.numbers,
            spikes.words,
            slot,
            self.start,
            self.place,
            self.weight,
            self.delay,
            self.pre,
            draw,
            None if draw is None else self.number,
        )
        leaves, structure = jax.tree.flatten(given)
        of = lambda way: lambda *leaves: way(jax.tree.unflatten(structure, leaves))

        def together(*given: Any) -> Array:
            *leaves, size = given
            return for_a_batch(jax.tree.unflatten(structure, leaves), size, ring=ring, width=self.width, sites=sites)

        operation = event_driven(
            of(partial(_everything, ring=ring, sites=sites)),
            cpu=of(partial(_rows_of_spikes, ring=ring, sites=sites, width=self.width)),
            accelerator=together,
        )
        return operation(*leaves)


def _everything(given: Delivery, *, ring: Ring, sites: int = 0) -> Array:
    """Adds `amplitude * weight` of every synapse, also where it is 0: linear in both, hence the form that has
    gradients.
    """
    count = given.place.shape[0]
    pre = senders_of_rows(given.start, count) if given.pre is None else given.pre
    spikes = Spikes(given.spikes, given.words).amplitude
    amplitude = spikes.at[pre].get(mode="fill", fill_value=0)  # padding has pre == n_pre
    if given.draw is not None:
        p = given.draw.p.at[pre].get(mode="fill", fill_value=0)
        number = jnp.arange(count, dtype=jnp.int32) if given.number is None else given.number
        released = quanta(given.draw.stream, given.draw.step, number, p, sites)
        amplitude = amplitude * with_slope_of_the_mean(released, p, sites)
    place = given.place if given.delay is None else given.place + given.delay * ring.width
    to = ring.wrap(given.slot + place)
    return given.buffer.at[to].add(amplitude * given.weight, mode="drop")


def _rows_of_spikes(given: Delivery, *, ring: Ring, width: int, sites: int = 0) -> Array:
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
            w = part(given.weight, first)
            w = w if given.spikes is None else w * given.spikes[i]
            if given.draw is not None:
                stream, step, p = given.draw
                number = first + lane if given.number is None else part(given.number, first)
                w = w * quanta(stream, step, number, p[i], sites)
            to = buffer.at[jnp.where(inside, to, ring.size)]
            return at + width, to.add(jnp.where(inside, w, 0), mode="drop", wrap_negative_indices=False)

        return lax.while_loop(lambda state: state[0] < end, piece, (given.start[i], buffer))[1]

    return for_each_spike(given.words, row, given.buffer)
