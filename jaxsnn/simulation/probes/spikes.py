"""Probes that keep every spike: a bit-packed raster, or a list of events."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from ..._arguments import count
from ..._bits import BITS, unpack
from ..._status import Status, bit
from .base import AbstractSpikeProbe
from .events import Events, PackedRaster, own_numbers


class Raster(AbstractSpikeProbe):
    """Every spike of a population, bit-packed: a `PackedRaster`, with `.times()` (ms), `.trains()` and `.dense()`.

    Brian2: `SpikeMonitor`; NEST: `spike_recorder`.

    **Arguments:** `population`, `index`: whose; `"E[0:10]"` or `index=slice(0, 10)` for some of its neurons.
    """

    sized = False

    def init(self, model, steps, first):
        self.size(model)
        return first

    def step(self, carry, signals, t):
        return carry, self.words(signals)

    def unit(self, model):
        return "ms"

    def finish(self, carry, emitted, model):
        return PackedRaster(emitted, self.size(model), model.dt, carry, self.neurons(model), self.population)


class Spikes(AbstractSpikeProbe):
    """Every spike of a population as a list, in order of time: `Events`, with `.times()` (ms) and `.trains()`.

    Smaller where spikes are few: a bit-packed `Raster` takes `steps n / 8` bytes, this one `8 capacity`.

    **Arguments:** `population`, `index`: whose. `capacity`: the largest number of spikes, static. More set the
    status EVENT_CAPACITY; the first ones are kept.
    """

    sized = False

    capacity: int = eqx.field(static=True)

    def __post_init__(self):
        super().__post_init__()
        self.capacity = count(self.capacity, "Spikes.capacity", "a positive number of events, below 2^31")

    def init(self, model, steps, first):
        self.size(model)
        none = jnp.full(self.capacity, -1, jnp.int32)
        return none, none, jnp.int32(0), jnp.zeros((), bool)

    def step(self, carry, signals, t):
        return carry, (t, self.words(signals))

    def emit(self, carry, stacked, model):
        steps, neurons, count, lost = carry
        t, words = stacked
        some = min(self.capacity, words.size)
        if some * BITS >= 2**31 or words.size >= 2**31:
            raise ValueError(f"Spikes: a chunk of {words.shape[0]} steps is too much for this capacity; give chunk=.")
        flat = words.reshape(-1)
        (at,) = jnp.nonzero(flat, size=some, fill_value=flat.size)  # words with spikes, then spikes in them
        fired = unpack(flat.at[at].get(mode="fill", fill_value=0)[:, None], BITS).reshape(-1)
        (place,) = jnp.nonzero(fired, size=min(self.capacity, fired.size), fill_value=fired.size)
        word = at.at[place // BITS].get(mode="fill", fill_value=0)
        row, column = word // words.shape[1], word % words.shape[1] * BITS + place % BITS
        found = jnp.sum(fired, dtype=jnp.int32)
        to = jnp.arange(len(place), dtype=jnp.int32)
        to = jnp.where((to < found) & (to < self.capacity - count), count + to, self.capacity)
        steps = steps.at[to].set(t.at[row].get(mode="clip"), mode="drop")
        neurons = neurons.at[to].set(column.astype(jnp.int32), mode="drop")
        total = count.astype(jnp.uint32) + found.astype(jnp.uint32)
        lost |= (total > self.capacity) | (jnp.sum(flat != 0) > some)
        return (steps, neurons, jnp.minimum(total, self.capacity).astype(jnp.int32), lost), None

    def unit(self, model):
        return "ms"

    def finish(self, carry, emitted, model):
        steps, columns, count, _ = carry
        neurons = self.neurons(model)
        own = own_numbers(columns, neurons)
        return Events(steps, own, count, self.size(model), model.dt, neurons, self.population)

    def status(self, carry):
        return bit(Status.EVENT_CAPACITY, carry[3])
