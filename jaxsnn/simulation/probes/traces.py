"""Probes of state variables over time, by dotted path."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from ..._xla import at_most_once
from .base import AbstractVariableProbe, check_interval, interval, steps_between


class _Sampled(AbstractVariableProbe):
    """A state variable, sampled at regular intervals."""

    every: float | None = eqx.field(default=None, static=True, kw_only=True)  # ms; None for every step

    def __post_init__(self):
        super().__post_init__()
        self.every = interval(self.every, self._name)

    @property
    def _name(self) -> str:
        return f"{type(self).__name__}.every"

    def check(self, model, first, steps):
        check_interval(self.every, model.dt, steps, self._name)

    def spacing(self, model):
        return steps_between(self.every, model.dt, self._name)


class Trace(_Sampled):
    """A state variable over time (Brian2: `StateMonitor`; NEST: `multimeter`), shape `(samples, neurons)`: sample `j`
    is the state `(j + 1) every` after the start of the run; `run.times(name)` are the times, ms, absolute.

    **Arguments:** `path`: e.g. `"E.v"`, `"E.exc.i"`. `every`: ms between samples, a whole number of steps, static; None
    for every step. `index`: which neurons (`"E[0:10].v"` says the same), static; by default all.
    """

    sized = False

    def stride(self, model):
        return self.spacing(model)

    def init(self, model, steps, first):
        self.look_up(model)
        return ()

    def step(self, carry, signals, t):
        return carry, self.value(signals)

    def emit(self, carry, stacked, model):
        period = self.spacing(model)
        return carry, stacked[period - 1 :: period]


class Snapshots(_Sampled):
    """A state variable at a few times (NEST: `weight_recorder`), shape `(samples, ...)`: sample `j` is the state `(j +
    1) every` after the start of the run; `run.times(name)` are the times, ms, absolute.

    Like `Trace`, for variables too large to be stacked in every step of a chunk, such as weights. It has no
    reverse-mode derivative: to differentiate, record a `Trace` or `Last`.

    **Arguments:** `path`: e.g. `"EE.weight"`. `every`: ms between samples, a whole number of steps, static; None for
    every step. `index`: which entries of the first axis, static; by default all.
    """

    def init(self, model, steps, first):
        found, period = self.look_up(model), self.spacing(model)
        return jnp.int32(0), jnp.int32(period), jnp.zeros((steps // period, *found.shape), found.dtype)

    def step(self, carry, signals, t):
        passed, period, kept = carry
        passed = passed + 1

        def taken(kept: Array) -> Array:
            return kept.at[passed // period - 1].set(self.value(signals))

        due = (passed % period == 0) & (passed <= kept.shape[0] * period)
        return (passed, period, at_most_once(due, taken, kept)), None

    def finish(self, carry, emitted, model):
        return carry[2]


class Last(AbstractVariableProbe):
    """A state variable at the end of the run.

    **Arguments:** `path`: e.g. `"E.v"`. `index`: which neurons, static; by default all.
    """

    sized = False

    def init(self, model, steps, first):
        found = self.look_up(model)
        return jnp.zeros(found.shape, found.dtype)

    def step(self, carry, signals, t):
        return self.value(signals), None

    def finish(self, carry, emitted, model):
        return carry
