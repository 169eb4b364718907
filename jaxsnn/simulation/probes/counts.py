"""Probes that fold each neuron's spikes into one number: readouts of a classifier, and inputs of regularisers."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ... import _sums
from ..._time import instant, step_of
from ..._types import canonical_float
from .base import AbstractSpikeProbe, check_start, nothing_recorded, one_start, steps_from


class Count(AbstractSpikeProbe):
    """The number of spikes (the sum of amplitudes) of each neuron, shape `(n,)`, from `start` ms on.

    Whatever the length of the run, counts are exact up to 2^24, to a relative 6e-8 beyond, and graded amplitudes to
    1e-5: steps are summed plainly within a chunk (1000 steps), and chunks by compensated summation.

    **Arguments:** `population`, `index`: whose. `start`: absolute, ms; later spikes count.
    """

    sized = False

    start: Any = instant(0.0)

    def __check_init__(self):
        one_start(self)

    def check(self, model, first, steps):
        check_start(self, model, first, steps)

    def init(self, model, steps, first):
        begin = step_of(self.start, model.dt)
        n, dtype = self.size(model), canonical_float()
        return begin, steps_from(begin, steps, first), jnp.zeros(n, dtype), _sums.nothing((n,), dtype)

    def step(self, carry, signals, t):
        begin, seen, count, before = carry
        return (begin, seen, count + jnp.where(t >= begin, self.spikes(signals), 0), before), None

    def emit(self, carry, stacked, model):
        begin, seen, count, before = carry
        return (begin, seen, jnp.zeros_like(count), _sums.plus(before, count)), stacked

    def finish(self, carry, emitted, model):
        return _sums.value(_sums.plus(carry[3], carry[2]))

    def status(self, carry):
        return nothing_recorded(carry[1])


class FiringRate(Count):
    """The rate of each neuron, Hz, shape `(n,)`: spikes (the sum of amplitudes) over the time from `start` ms on.

    **Arguments:** `population`, `index`: whose. `start`: absolute, ms; later spikes count.
    """

    def unit(self, model):
        return "Hz"

    def finish(self, carry, emitted, model):
        count = super().finish(carry, emitted, model)
        return count * (1e3 / (model.dt * carry[1].astype(count.dtype)))


class FirstSpike(AbstractSpikeProbe):
    """When each neuron fires first, ms, shape `(n,)`: absolute, a spike in step `k` is stamped `(k + 1) dt`; a neuron
    that is silent gets one step more than the end of the run.

    `dt (1 + first + sum_t prod_{s <= t} (1 - z_s))` of a run from step `first`, which has a derivative with respect to
    every spike before the second one, and to those that a silent neuron might have fired.

    **Arguments:** `population`, `index`: whose.
    """

    sized = False

    def unit(self, model):
        return "ms"

    def init(self, model, steps, first):
        n, dtype = self.size(model), canonical_float()
        return first, jnp.ones(n, dtype), jnp.zeros(n, dtype), _sums.nothing((n,), dtype)

    def step(self, carry, signals, t):
        first, silent, count, before = carry
        spikes = self.spikes(signals)
        silent = silent * (1.0 - jnp.where(spikes > 1.0, 1.0, spikes))
        return (first, silent, count + silent, before), None

    def emit(self, carry, stacked, model):
        first, silent, count, before = carry
        return (first, silent, jnp.zeros_like(count), _sums.plus(before, count)), stacked

    def finish(self, carry, emitted, model):
        first, _, count, before = carry
        waited = _sums.value(_sums.plus(before, count))
        return (waited + (first + 1).astype(waited.dtype)) * model.dt
