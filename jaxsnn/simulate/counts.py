"""Probes that fold each neuron's spikes into one number: read-outs of a classifier, and what regularisers watch."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .._time import steps
from .._types import canonical_float, param
from .record import AbstractProbe, size_of


class FiringRate(AbstractProbe):
    """The rate of each neuron, Hz, shape `(n,)`: spikes (the sum of amplitudes) over the time from `start` ms on."""

    population: str = eqx.field(static=True)
    start: Array = param(0.0, unit="ms")

    def init(self, dynamics, steps_, first_):
        n = size_of(dynamics, self.population)
        first = steps(self.start, dynamics.dt, exact=False)
        return first, jnp.zeros((), jnp.int32), jnp.zeros(n, canonical_float())

    def step(self, carry, signals, t):
        first, seen, count = carry
        counts = t >= first
        count = count + jnp.where(counts, signals.spikes[self.population], 0)
        return (first, seen + counts.astype(seen.dtype), count), None

    def finish(self, carry, emitted, dynamics):
        _, seen, count = carry
        return count * (1e3 / (dynamics.dt * jnp.maximum(seen, 1).astype(count.dtype)))


class FirstSpike(AbstractProbe):
    """When each neuron fires first, ms, shape `(n,)`: a spike in step `k` is stamped `(k + 1) dt`; silence counts as
    one step more than the run.

    `dt (1 + sum_t prod_{s <= t} (1 - z_s))`, which has a derivative by every spike before the second one, and by those
    that a silent neuron might have fired.
    """

    population: str = eqx.field(static=True)

    def init(self, dynamics, steps_, first_):
        n = size_of(dynamics, self.population)
        return jnp.ones(n, canonical_float()), jnp.ones(n, canonical_float())

    def step(self, carry, signals, t):
        silent, count = carry
        spikes = signals.spikes[self.population]
        silent = silent * (1.0 - jnp.where(spikes > 1.0, 1.0, spikes))
        return (silent, count + silent), None

    def finish(self, carry, emitted, dynamics):
        return carry[1] * dynamics.dt
