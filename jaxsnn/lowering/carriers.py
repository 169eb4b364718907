"""Delivery of integer synapses, as a matrix or as a list, whichever is faster on the device."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from ..connectivity.dense import many_rows_of
from ..connectivity.ring import Ring
from ..connectivity.sparse import Rows
from ..connectivity.spikes import Spikes
from .integers import shift
from .synapses import AbstractCarrier


class Matrix(AbstractCarrier):
    """Delivery by a matrix, all delays equal: a spike adds its row; `exponent` shifts the sum."""

    weight: Int[Array, "pre post"]  # int16
    exponent: Int[Array, ""]
    delay: Int[Array, ""]
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s, buffer, spikes, t):
        a = shift(many_rows_of(spikes, self.weight), self.exponent)
        return self.ring.add(buffer, t + 1 + self.delay, self.first, a)


class SummedFirst(AbstractCarrier):
    """Delivery by a list. Arrivals of a step are summed before the exponent is applied, which may lose bits."""

    rows: Rows  # into a small ring of its own, with a slot for each delay
    exponent: Int[Array, ""]
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s, buffer, spikes, t):
        own = self.rows.ring
        landed = self.rows.deliver(own.empty(jnp.int32), Spikes.found(spikes), jnp.int32(0))
        a = shift(landed, self.exponent).reshape(own.slots, own.width)
        slots = self.ring.start(t + 1 + jnp.arange(own.slots, dtype=jnp.int32))
        place = slots[:, None] + self.first + jnp.arange(own.width, dtype=jnp.int32)[None]
        return buffer.at[place].add(a)


class Scattered(AbstractCarrier):
    """Delivery by a list, each synapse added directly to the ring."""

    rows: Rows

    def send(self, s, buffer, spikes, t):
        return self.rows.deliver(buffer, Spikes.found(spikes), t + 1)


class Listed(eqx.Module):
    """Synapses as a list: a sender's are `start[i] : start[i + 1]`, each to `receiver`, with `weight` and `delay`."""

    start: Int[Array, " pre+1"]
    receiver: Int[Array, " e"]
    weight: Int[Array, " e"]
    delay: Int[Array, "..."]  # one, or one a synapse
    n_post: int = eqx.field(static=True)
    longest: int = eqx.field(static=True)
    max_delay: int = eqx.field(static=True)

    @property
    def sender(self) -> Int[Array, " e"]:
        """The sender of every synapse."""
        each = jnp.arange(self.receiver.shape[0], dtype=jnp.int32)
        return jnp.searchsorted(self.start, each, side="right").astype(jnp.int32) - 1

    def rows(self, into: Ring, first: int) -> Rows:
        """The rows for a ring in which the columns of the receivers begin at `first`."""
        place = self.delay * into.width + first + self.receiver
        return Rows(self.start, place, self.weight, into, self.longest)

    def matrix(self) -> Int[Array, "pre post"]:
        """Weights as a matrix of 16 bits."""
        shape = self.start.shape[0] - 1, self.n_post
        return jnp.zeros(shape, jnp.int16).at[self.sender, self.receiver].set(self.weight.astype(jnp.int16))


def carried(synapses: Listed, exponent: Array | None, ring: Ring, first: int) -> AbstractCarrier:
    """The delivery of a list of synapses. `exponent`: shifts the sum of the arrivals of a step; None: no shift.

    Measured on a CPU: for 1 024 x 1 024 pairs the matrix is 1.5 times as fast even if 1 % of them exist; for 4 096 x
    4 096, which do not fit the cache, the list is three times as fast at 1 % and twice at 3 %.
    """
    pairs, count = (synapses.start.shape[0] - 1) * synapses.n_post, synapses.receiver.shape[0]
    small = pairs < 2**22 or 20 * count > pairs
    if jnp.ndim(synapses.delay) == 0 and small:
        none = jnp.zeros((), jnp.int32)
        return Matrix(synapses.matrix(), none if exponent is None else exponent, synapses.delay, ring, first)
    if exponent is None:
        return Scattered(synapses.rows(ring, first))
    return SummedFirst(synapses.rows(Ring(synapses.max_delay + 1, synapses.n_post), 0), exponent, ring, first)
