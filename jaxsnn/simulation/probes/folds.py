"""Probes that fold a state variable over time into one number per neuron."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ... import _sums
from ..._time import instant, step_of
from ..._types import canonical_float
from .base import AbstractVariableProbe, check_start, nothing_recorded, one_start, steps_from


class _Folded(AbstractVariableProbe):
    """A state variable, folded over time into one number per neuron, shape `(n,)`, from `start` ms (absolute) on."""

    sized = False

    start: Any = instant(0.0)

    def __check_init__(self):
        one_start(self)

    def check(self, model, first, steps):
        check_start(self, model, first, steps)

    def init(self, model, steps, first):
        begin = step_of(self.start, model.dt)
        return begin, steps_from(begin, steps, first), self._empty(self.look_up(model))

    def step(self, carry, signals, t):
        begin, seen, folded = carry
        return (begin, seen, self._fold(folded, self.value(signals), t >= begin)), None

    def status(self, carry):
        return nothing_recorded(carry[1])

    def _empty(self, found: jax.ShapeDtypeStruct) -> Array:
        return _sums.nothing(found.shape, _real(found))

    def _fold(self, carry: Array, x: Array, counts: Array) -> Array:
        return _sums.plus(carry, jnp.where(counts, x, 0).astype(_real(x)))


class Sum(_Folded):
    """A state variable summed over the steps of the run, shape `(n,)`; rounded once, whatever the length of the run.

    **Arguments:** `path`: e.g. `"out.v"`. `start`: absolute, ms; later states count. `index`: which
    neurons, static; by default all.
    """

    def finish(self, carry, emitted, model):
        return _sums.value(carry[2])


class Mean(_Folded):
    """A state variable averaged over the steps of the run, shape `(n,)`; its error does not grow with the run.

    **Arguments:** `path`: e.g. `"out.v"`. `start`: absolute, ms; later states count. `index`: which
    neurons, static; by default all.
    """

    def finish(self, carry, emitted, model):
        _, seen, total = carry
        total = _sums.value(total)
        return total / seen.astype(total.dtype)  # the mean of no step is NaN


class Max(_Folded):
    """The largest value of a state variable over the run, shape `(n,)`; its derivative is that of the first largest.

    **Arguments:** `path`: e.g. `"out.v"`. `start`: absolute, ms; later states count. `index`: which
    neurons, static; by default all.
    """

    def _empty(self, found):
        if jnp.issubdtype(found.dtype, jnp.floating):
            return jnp.full(found.shape, -jnp.inf, found.dtype)
        least = jnp.iinfo(found.dtype).min if jnp.issubdtype(found.dtype, jnp.integer) else False
        return jnp.full(found.shape, least, found.dtype)

    def _fold(self, carry, x, counts):
        return jnp.where(counts & (x > carry), x, carry)

    def finish(self, carry, emitted, model):
        return carry[2]


def _real(x: Any) -> Any:
    """The type of the sum: whole numbers and booleans are added as real numbers."""
    return x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else canonical_float()
