"""Probes that fold each neuron's spikes into one number: read-outs of a classifier, and what regularisers watch."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from .. import _sums
from .._time import instant, step_of
from .._types import canonical_float
from .record import AbstractSpikeProbe, check_start, nothing_recorded, one_start


class Count(AbstractSpikeProbe):
    """The number of spikes (the sum of amplitudes) of each neuron, shape `(n,)`, from `start` ms on.

    It is rounded once, however long the run: whole numbers are exact up to 2^24, and beyond to 6e-8 of them.

    **Arguments:** `population`, `index`: whose. `start`: absolute, ms; a spike counts that is stamped later.
    """

    start: Any = instant(0.0)

    def __init__(self, population: str, start: Any = 0.0, *, index: Any = None):
        super().__init__(population, index=index)
        self.start = start

    def __check_init__(self):
        one_start(self)

    def check(self, dynamics, first, steps):
        check_start(self, dynamics, first, steps)

    def init(self, dynamics, steps, first):
        begin, zero = step_of(self.start, dynamics.dt), jnp.zeros((), jnp.int32)
        return begin, zero, _sums.nothing((self.size(dynamics),), canonical_float())

    def step(self, carry, signals, t):
        begin, seen, count = carry
        counts = t >= begin
        count = _sums.plus(count, jnp.where(counts, self.spikes(signals), 0))
        return (begin, seen + counts.astype(seen.dtype), count), None

    def finish(self, carry, emitted, dynamics):
        return _sums.value(carry[2])

    def status(self, carry):
        return nothing_recorded(carry[1])


class FiringRate(Count):
    """The rate of each neuron, Hz, shape `(n,)`: spikes (the sum of amplitudes) over the time from `start` ms on.

    **Arguments:** `population`, `index`: whose. `start`: absolute, ms; a spike counts that is stamped later.
    """

    def finish(self, carry, emitted, dynamics):
        _, seen, count = carry
        return _sums.value(count) * (1e3 / (dynamics.dt * seen.astype(canonical_float())))


class FirstSpike(AbstractSpikeProbe):
    """When each neuron fires first, ms, shape `(n,)`: absolute, a spike in step `k` is stamped `(k + 1) dt`; a neuron
    that is silent gets one step more than the end of the run.

    `dt (1 + first + sum_t prod_{s <= t} (1 - z_s))` of a run from step `first`, which has a derivative with respect to
    every spike before the second one, and to those that a silent neuron might have fired.

    **Arguments:** `population`, `index`: whose.
    """

    def init(self, dynamics, steps, first):
        n = self.size(dynamics)
        return first, jnp.ones(n, canonical_float()), _sums.nothing((n,), canonical_float())

    def step(self, carry, signals, t):
        first, silent, count = carry
        spikes = self.spikes(signals)
        silent = silent * (1.0 - jnp.where(spikes > 1.0, 1.0, spikes))
        return (first, silent, _sums.plus(count, silent)), None

    def finish(self, carry, emitted, dynamics):
        first, _, count = carry
        return (_sums.value(count) + (first + 1).astype(canonical_float())) * dynamics.dt
