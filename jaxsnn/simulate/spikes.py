"""Probes of spikes: rasters, event lists, counts, rates and intervals."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from .._bits import pack, unpack
from .._status import Status, bit
from .._time import steps
from .._types import canonical_float, param
from .record import AbstractProbe, size_of


class PackedRaster(eqx.Module):
    """Who fired when, a bit each: neuron `i` in step `t` is bit `i % 32` of `words[t, i // 32]`."""

    words: UInt32[Array, "steps words"]
    n: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)

    def dense(self) -> Bool[Array, "steps n"]:
        """One boolean a step and neuron."""
        return unpack(self.words, self.n)

    def events(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps and neurons of all spikes, in order of time, on the host."""
        step, neuron = np.nonzero(np.asarray(self.dense()))
        return step, neuron


class Raster(AbstractProbe):
    """Every spike of a population, bit-packed: a `PackedRaster`."""

    population: str = eqx.field(static=True)

    def init(self, dynamics, steps, first):
        size_of(dynamics, self.population)
        return ()

    def step(self, carry, signals, t):
        return carry, pack(signals.spikes[self.population])

    def finish(self, carry, emitted, dynamics):
        return PackedRaster(emitted, dynamics.sizes[self.population], dynamics.dt)


class Events(NamedTuple):
    """A list of spikes with room for `capacity`: the first `count` entries are valid, the others are -1."""

    step: Int[Array, " capacity"]
    neuron: Int[Array, " capacity"]
    count: Int[Array, ""]


class Spikes(AbstractProbe):
    """Every spike of a population as a list of events, in order of time: `Events`. Best where spikes are few.

    **Arguments:** `capacity`: events it has room for, static. More set the status EVENT_CAPACITY; the first are kept.
    """

    population: str = eqx.field(static=True)
    capacity: int = eqx.field(static=True)

    def __check_init__(self):
        if self.capacity < 1:
            raise ValueError(f"Spikes.capacity is {self.capacity}, expected a positive number of events.")

    def init(self, dynamics, steps, first):
        size_of(dynamics, self.population)
        none = jnp.full(self.capacity, -1, jnp.int32)
        return jnp.int32(0), Events(none, none, jnp.int32(0))

    def step(self, carry, signals, t):
        return carry, (t, pack(signals.spikes[self.population]))

    def emit(self, carry, stacked, dynamics):
        seen, events = carry
        t, words = stacked
        fired = PackedRaster(words, dynamics.sizes[self.population], dynamics.dt).dense()
        row, neuron = jnp.nonzero(fired, size=min(self.capacity, fired.size), fill_value=fired.shape[0])
        real = row < fired.shape[0]
        to = jnp.where(real, events.count + jnp.arange(len(row), dtype=jnp.int32), self.capacity)
        step = t.at[row].get(mode="clip")
        room = jnp.minimum(events.count + jnp.sum(real, dtype=jnp.int32), self.capacity)
        events = Events(
            events.step.at[to].set(step, mode="drop"),
            events.neuron.at[to].set(neuron.astype(jnp.int32), mode="drop"),
            room,
        )
        return (seen + jnp.sum(jax.lax.population_count(words), dtype=jnp.int32), events), None

    def finish(self, carry, emitted, dynamics):
        return carry[1]

    def status(self, carry):
        return bit(Status.EVENT_CAPACITY, carry[0] > self.capacity)


class Count(AbstractProbe):
    """The number of spikes (the sum of amplitudes) of each neuron, shape `(n,)`, from `start` ms on."""

    population: str = eqx.field(static=True)
    start: Array = param(0.0, unit="ms")

    def init(self, dynamics, steps_, first_):
        n = size_of(dynamics, self.population)
        return steps(self.start, dynamics.dt, exact=False), jnp.zeros(n, canonical_float())

    def step(self, carry, signals, t):
        first, count = carry
        return (first, count + jnp.where(t >= first, signals.spikes[self.population], 0)), None

    def finish(self, carry, emitted, dynamics):
        return carry[1]


class Rate(AbstractProbe):
    """The population's rate over time, Hz per neuron, in bins of `bin` ms (static): shape `(bins,)`.

    A bin that the run does not fill is left out.
    """

    population: str = eqx.field(static=True)
    bin: float = eqx.field(default=1.0, static=True)

    def every(self, dynamics):
        return max(1, int(steps(self.bin, dynamics.dt, name="Rate.bin")))

    def init(self, dynamics, steps, first):
        size_of(dynamics, self.population)
        return ()

    def step(self, carry, signals, t):
        return carry, jnp.sum(signals.spikes[self.population])

    def emit(self, carry, stacked, dynamics):
        every = self.every(dynamics)
        whole = stacked.shape[0] // every * every
        spikes = jnp.sum(stacked[:whole].reshape(-1, every), axis=1)
        return carry, spikes * (1e3 / (every * dynamics.dt * dynamics.sizes[self.population]))


class Intervals(NamedTuple):
    """Inter-spike intervals of each neuron: how many, mean in ms, coefficient of variation (NaN below two)."""

    count: Int[Array, " n"]
    mean: Float[Array, " n"]
    cv: Float[Array, " n"]


class ISI(AbstractProbe):
    """Mean and coefficient of variation of every neuron's inter-spike intervals, in one pass: `Intervals`.

    Intervals that begin at `start` ms or later; standard deviation over mean, not corrected for small numbers.

    **Reference:** Welford, Technometrics 4:419 (1962).
    """

    population: str = eqx.field(static=True)
    start: Array = param(0.0, unit="ms")

    def init(self, dynamics, steps_, first_):
        n, dtype = size_of(dynamics, self.population), canonical_float()
        none, zero = jnp.full(n, -1, jnp.int32), jnp.zeros(n, dtype)
        return steps(self.start, dynamics.dt, exact=False), none, jnp.zeros(n, jnp.int32), zero, zero

    def step(self, carry, signals, t):
        first, last, count, mean, squares = carry
        fired = (signals.spikes[self.population] != 0) & (t >= first)
        ends = fired & (last >= 0)
        interval = (t - last).astype(mean.dtype)
        count = count + ends.astype(count.dtype)
        off = interval - mean
        mean = jnp.where(ends, mean + off / jnp.maximum(count, 1).astype(mean.dtype), mean)
        squares = jnp.where(ends, squares + off * (interval - mean), squares)
        return (first, jnp.where(fired, t, last), count, mean, squares), None

    def finish(self, carry, emitted, dynamics):
        _, _, count, mean, squares = carry
        enough = jnp.maximum(count, 1).astype(mean.dtype)
        cv = jnp.where(count >= 2, jnp.sqrt(squares / enough) / jnp.maximum(mean, 1.0), jnp.nan)
        return Intervals(count, jnp.where(count >= 1, mean * dynamics.dt, jnp.nan), cv)
