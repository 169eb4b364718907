"""Probes of state variables, by dotted path."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._time import steps
from .._tree import children, get
from .._types import param
from ..dynamics import AbstractDynamics, known
from .record import AbstractProbe


def _looked_up(dynamics: AbstractDynamics, path: str) -> jax.ShapeDtypeStruct:
    """The shape of a state variable; one error if there is none at this path."""
    found = get(jax.eval_shape(lambda: dynamics.view(dynamics.init(key=jax.random.key(0)))), path)
    if not hasattr(found, "shape"):
        below = known(repr(f"{path}.{name}") for name in children(found))
        raise ValueError(f"Got path {path!r}, which is no variable; expected one below it: {below}.")
    return found


class _Slice(NamedTuple):
    """A slice that can be hashed (Python's own cannot before 3.12), hence a static field."""

    start: int | None
    stop: int | None
    step: int | None


class Trace(AbstractProbe):
    """A state variable over time, shape `(samples, neurons)`: sample `j` is the state at `t = (j + 1) every dt`.

    **Arguments:** `path`: e.g. `"E.v"`, `"E.exc.i"`. `every`: steps between samples, static. `index`: which neurons
    (a slice, an index or a list of them), static; by default all.
    """

    path: str = eqx.field(static=True)
    period: int = eqx.field(static=True)
    index: tuple[int, ...] | _Slice | None = eqx.field(static=True)

    def __init__(self, path: str, *, every: int = 1, index: Any = None):
        if every < 1:
            raise ValueError(f"Trace.every is {every}, expected a positive number of steps.")
        self.path, self.period = path, int(every)
        if isinstance(index, slice):
            self.index = _Slice(index.start, index.stop, index.step)
        else:
            self.index = None if index is None else tuple(int(i) for i in np.ravel(index))

    def _chosen(self, x: Array) -> Array:
        if self.index is None:
            return x
        if isinstance(self.index, _Slice):
            return x[slice(*self.index)]
        return x[np.asarray(self.index, np.int32)]

    def every(self, dynamics):
        return self.period

    def init(self, dynamics, steps, first):
        n = _looked_up(dynamics, self.path).shape[0]
        chosen = () if self.index is None or isinstance(self.index, _Slice) else self.index
        if not all(-n <= i < n for i in chosen):
            raise ValueError(f"Trace.index of {self.path!r} is {self.index}, expected indices within 0 .. {n - 1}.")
        return ()

    def step(self, carry, signals, t):
        return carry, self._chosen(get(signals.state, self.path))

    def emit(self, carry, stacked, dynamics):
        return carry, stacked[self.period - 1 :: self.period]


class Snapshots(AbstractProbe):
    """A state variable now and then, shape `(samples, ...)`: sample `j` is the state at `t = (j + 1) every dt`.

    Like `Trace`, for variables that are too large to be stacked in every step of a chunk. It has no reverse-mode
    derivative: to differentiate, record a `Trace` or `Last`.

    **Arguments:** `path`: e.g. `"EE.weight"`. `every`: steps between samples, static.
    """

    path: str = eqx.field(static=True)
    period: int = eqx.field(static=True)

    def __init__(self, path: str, *, every: int):
        if every < 1:
            raise ValueError(f"Snapshots.every is {every}, expected a positive number of steps.")
        self.path, self.period = path, int(every)

    def init(self, dynamics, steps, first):
        found = _looked_up(dynamics, self.path)
        return jnp.int32(0), jnp.zeros((steps // self.period, *found.shape), found.dtype)

    def step(self, carry, signals, t):
        passed, kept = carry
        passed = passed + 1

        def taken(kept: Array) -> Array:
            return kept.at[passed // self.period - 1].set(get(signals.state, self.path))

        # a loop of one turn or none: unlike a branch it leaves what was kept in place
        due = (passed % self.period == 0) & (passed <= kept.shape[0] * self.period)
        turn = lambda state: (jnp.zeros((), bool), taken(state[1]))
        return (passed, jax.lax.while_loop(lambda state: state[0], turn, (due, kept))[1]), None

    def finish(self, carry, emitted, dynamics):
        return carry[1]


class Last(AbstractProbe):
    """A state variable at the end of the run."""

    path: str = eqx.field(static=True)

    def init(self, dynamics, steps, first):
        found = _looked_up(dynamics, self.path)
        return jnp.zeros(found.shape, found.dtype)

    def step(self, carry, signals, t):
        return get(signals.state, self.path), None

    def finish(self, carry, emitted, dynamics):
        return carry


class _Folded(AbstractProbe):
    """A state variable, folded over time into one number a neuron, shape `(n,)`, from `start` ms on."""

    path: str = eqx.field(static=True)
    start: Array = param(0.0, unit="ms")

    def init(self, dynamics, steps_, first_):
        found = _looked_up(dynamics, self.path)
        first = steps(self.start, dynamics.dt, exact=False)
        return first, jnp.zeros((), jnp.int32), self._first(found)

    def _first(self, found: jax.ShapeDtypeStruct) -> Array:
        return jnp.zeros(found.shape, found.dtype)

    def _fold(self, carry: Array, x: Array) -> Array:
        return carry + x

    def step(self, carry, signals, t):
        first, count, folded = carry
        seen = t >= first
        folded = jnp.where(seen, self._fold(folded, get(signals.state, self.path)), folded)
        return (first, count + seen.astype(count.dtype), folded), None

    def finish(self, carry, emitted, dynamics):
        return carry[2]


class Sum(_Folded):
    """A state variable summed over the steps of the run, shape `(n,)`.

    **Arguments:** `path`: e.g. `"out.v"`. `start`: ms, steps before it do not count.
    """


class Mean(_Folded):
    """A state variable averaged over the steps of the run, shape `(n,)`.

    **Arguments:** `path`: e.g. `"out.v"`. `start`: ms, steps before it do not count.
    """

    def finish(self, carry, emitted, dynamics):
        return carry[2] / jnp.maximum(carry[1], 1).astype(carry[2].dtype)


class Max(_Folded):
    """The largest value of a state variable over the run, shape `(n,)`; its derivative is that of the first largest.

    **Arguments:** `path`: e.g. `"out.v"`. `start`: ms, steps before it do not count.
    """

    def _first(self, found):
        return jnp.full(found.shape, -jnp.inf, found.dtype)

    def _fold(self, carry, x):
        return jnp.where(x > carry, x, carry)
