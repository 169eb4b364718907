"""Probes of firing rate and regularity: the rate of a population over time, and inter-spike intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ... import _sums
from ..._time import instant, step_of
from ..._types import canonical_float
from .base import AbstractSpikeProbe, check_interval, check_start, interval, one_start, steps_between


class PopulationRate(AbstractSpikeProbe):
    """The population's rate over time, Hz per neuron, in bins of `bin` ms: shape `(bins,)`.

    Brian2: `PopulationRateMonitor`.

    Bin `j` holds the spikes stamped from `j bin` (exclusive) to `(j + 1) bin` after the start of the run; its time, for
    `Run.times`, is its end. An incomplete last bin is left out.

    **Arguments:** `population`, `index`: whose. `bin`: ms, a whole number of steps, static.
    """

    sized = False

    bin: float = eqx.field(default=1.0, static=True)

    def __post_init__(self):
        super().__post_init__()
        if self.bin is None:
            raise ValueError("PopulationRate.bin is None, expected a number of ms.")
        self.bin = interval(self.bin, "PopulationRate.bin")  # type: ignore[assignment]  # only None gives None

    def stride(self, model):
        return steps_between(self.bin, model.dt, "PopulationRate.bin")

    def unit(self, model):
        return "Hz"

    def spacing(self, model):
        return self.stride(model)

    def check(self, model, first, steps):
        check_interval(self.bin, model.dt, steps, "PopulationRate.bin")

    def init(self, model, steps, first):
        self.size(model)
        return ()

    def step(self, carry, signals, t):
        return carry, jnp.sum(self.spikes(signals))

    def emit(self, carry, stacked, model):
        every = self.stride(model)
        whole = stacked.shape[0] // every * every
        spikes = _sums.over(stacked[:whole].reshape(-1, every), axis=1)
        return carry, spikes * (1e3 / (every * model.dt * self.size(model)))


class Intervals(NamedTuple):
    """Inter-spike intervals of each neuron: their number, mean in ms, coefficient of variation (NaN below two)."""

    count: Int[Array, " n"]
    mean: Float[Array, " n"]
    cv: Float[Array, " n"]


class ISI(AbstractSpikeProbe):
    """Mean and coefficient of variation of every neuron's inter-spike intervals, in one pass: `Intervals`.

    Intervals that begin at `start` ms (absolute) or later. The record has three arrays, one number a neuron: `mean`,
    ms; `cv`, standard deviation over mean, not corrected for small numbers; and `count`, of intervals. `mean` is NaN
    where there is none and `cv` where there are fewer than two: `jnp.nanmean(run["isi"].cv)`.

    **Arguments:** `population`, `index`: whose. `start`: ms.

    **Reference:** Welford, Technometrics 4:419 (1962), with compensated sums.
    """

    sized = False

    start: Any = instant(0.0)

    def __check_init__(self):
        one_start(self)

    def check(self, model, first, steps):
        check_start(self, model, first, steps)

    def init(self, model, steps, first):
        n, dtype = self.size(model), canonical_float()
        none, zero = jnp.full(n, -1, jnp.int32), _sums.nothing((n,), dtype)
        return step_of(self.start, model.dt), none, jnp.zeros(n, jnp.int32), zero, zero

    def step(self, carry, signals, t):
        first, last, count, mean, squares = carry
        fired = (self.spikes(signals) != 0) & (t >= first)
        ends = fired & (last >= 0)
        count = count + ends.astype(count.dtype)
        length = (t - last).astype(canonical_float())
        off = jnp.where(ends, length - _sums.value(mean), 0.0)
        mean = _sums.plus(mean, off / jnp.maximum(count, 1).astype(off.dtype))
        squares = _sums.plus(squares, off * jnp.where(ends, length - _sums.value(mean), 0.0))
        return (first, jnp.where(fired, t, last), count, mean, squares), None

    def finish(self, carry, emitted, model):
        _, _, count, mean, squares = carry
        mean, enough = _sums.value(mean), jnp.maximum(count, 1).astype(canonical_float())
        cv = jnp.where(count >= 2, jnp.sqrt(_sums.value(squares) / enough) / jnp.maximum(mean, 1.0), jnp.nan)
        return Intervals(count, jnp.where(count >= 1, mean * model.dt, jnp.nan), cv)
