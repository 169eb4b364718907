"""A drive that delivers a list of spikes: memory and time grow with the number of spikes, not with a raster."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int

from ..._select import Selection, selection
from ..._status import Status, bit
from ..._time import LAST, as_instant, instant, step_of, whole, wrong
from ..._types import Param, as_number, canonical_float, check, is_concrete, no_flag, param
from ...models import Inputs
from .base import AbstractDrive, negative
from .target import Target, fed, one_name, targets

_BLOCK = 64  # events delivered at once where the largest number per step is not known


class SpikeGenerator(AbstractDrive):
    """Spikes at given times: neuron `indices[i]` receives one at `times[i]`, in the step that begins then.

    Several spikes in one step add up. Memory grows with the number of spikes, not with the length of the run or the
    number of neurons. (NEST's `spike_generator`, Brian2's `SpikeGeneratorGroup`; for the steps in which their
    spikes arrive see "Time" in the concepts.)

    **Arguments:**

    - `indices`: whole numbers, shape `(spikes,)`. `times`: ms, from where the run starts, on the grid of `dt`, in any
      order; infinite for none. With an axis in front, `(examples, spikes)`, they are a batch for an estimator.
    - `into`: a port (of a `SpikeSource`: these are its spikes), `"E[0:10]"` for some of its neurons, or `index=`;
      `indices` then count among these. `weight`: what a spike is worth, in the port's unit, `()` or `(n,)`.
    - `start`: ms, absolute, the origin of `times`; by default the start of the run. With `start=`, a last spike before
      the run is an error.
    - `steps`: length of the input, static, for estimators.
    """

    indices: Int[Array, "..."]
    times: Any = instant(optional=True, never=True)
    at: Int[Array, "..."] | None = eqx.field(kw_only=True)  # instead of `times`, if given in steps
    weight: Param = param(unit="port")
    start: Any = instant(optional=True)
    into: str = eqx.field(static=True, kw_only=True)
    index: Selection | None = eqx.field(static=True, kw_only=True)
    length: int | None = eqx.field(static=True, kw_only=True)
    n: int | None = eqx.field(static=True, kw_only=True)
    block: int = eqx.field(static=True, kw_only=True)
    in_order: bool = eqx.field(static=True, kw_only=True)

    axes: ClassVar = {"indices": 1, "times": 1, "at": 1, "weight": 1}

    def __init__(
        self,
        indices: Any,
        times: Any,
        *,
        into: str,
        weight: Any = 1.0,
        index: Any = None,
        start: Any = None,
        steps: int | None = None,
    ):
        self._set(indices, as_instant(times, never=True), None, into, weight, index, start, steps, None)

    @classmethod
    def from_steps(
        cls, indices: Any, at: Any, *, steps: int, n: int, into: str, weight: Any = 1.0, start: Any = None
    ) -> SpikeGenerator:
        """From whole steps of a run of `steps`, for `n` neurons; `Replay.events` returns it."""
        for name, value in (("steps", steps), ("n", n)):
            if whole(value) is None or value < 1:
                raise ValueError(f"Replay.events got {name} = {value!r}, expected a positive whole number.")
        new, indices, at = object.__new__(cls), _indices(indices), _whole_steps(at)
        new._set(indices, None, at, into, weight, None, start, int(steps), int(n))
        check(
            lambda: (at < steps) & (indices < n),
            f"Replay.events has an event outside steps 0 .. {steps - 1} or neurons 0 .. {n - 1}; enlarge them.",
        )
        return new

    def _set(self, indices, times, at, into, weight, index, start, steps, n):
        one_name(into, "SpikeGenerator")
        if steps is not None and (whole(steps) is None or steps < 1):
            raise ValueError(f"SpikeGenerator.steps is {steps!r}, expected a positive whole number.")
        indices, when = _indices(indices), at if times is None else times
        if indices.shape != when.shape or indices.ndim not in (1, 2):
            raise ValueError(
                f"Got indices of shape {indices.shape} and times of shape {when.shape}, expected lists of equal length."
            )
        check(lambda: indices >= 0, "SpikeGenerator.indices has a negative one, expected 0 or more.")
        block, known = _BLOCK, is_concrete((indices, when))
        if known:
            indices, when, block = _laid_out(np.asarray(indices), np.asarray(when))
        weight, start = as_number(no_flag(weight)), as_instant(start, optional=True)
        values = dict(indices=indices, weight=weight, start=start, into=into)
        values |= dict(times=None if times is None else when, at=when if times is None else None)
        values |= dict(index=selection(index, "index"), length=steps, n=n, block=block, in_order=known)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def closed_loop(self):
        return False

    @property
    def steps(self):
        return self.length

    @property
    def raster(self) -> Array:
        """The same spikes as a dense raster, `(steps, n)`, computed on access."""
        if self.at is None or self.n is None or self.length is None or self.at.ndim != 1:
            raise ValueError("A raster needs the numbers of steps and of neurons; give Replay.events(..., steps=, n=).")
        none = jnp.zeros((self.length, self.n), canonical_float())
        return none.at[jnp.asarray(self.at), jnp.asarray(self.indices)].add(1, mode="drop")

    def unsupported(self, model):
        return negative("SpikeGenerator", self.into, model, self.weight)

    def check(self, model, first):
        (target,) = targets((self.into,), self.index, model.port)
        when: Any = self.at if self.times is None else self.times
        real = lambda: when != LAST
        check(
            lambda: (jnp.asarray(self.indices) < target.count) | ~real(),
            f"SpikeGenerator.indices has one beyond the {target.count} neurons of {target}.",
        )
        if self.start is not None and when.ndim == 1 and is_concrete((when, self.start, first)) and np.any(real()):
            start, last = int(self.start), int(np.max(np.where(real(), np.asarray(when), 0)))
            check(
                lambda: int(first) - start <= last,
                f"SpikeGenerator has its last spike at {(start + last) * model.dt:g} ms, and the run starts at "
                f"{int(first) * model.dt:g} ms; start it later, or leave `start` out to start it with the run.",
            )

    def prepare(self, model, first):
        (target,) = targets((self.into,), self.index, model.port)
        if self.indices.ndim != 1:
            raise ValueError(
                f"SpikeGenerator.indices has shape {self.indices.shape}: a batch of examples. `simulate` runs one; "
                "give the batch to an estimator or to `evaluate`, or map over it with `jax.vmap`."
            )
        if self.n not in (None, target.count):
            raise ValueError(f"Replay.events was given n = {self.n}, expected {target.count} for {target}.")
        target.fits("SpikeGenerator.weight", self.weight)
        at = self.at if self.times is None else step_of(self.times, model.dt)
        at, indices = jnp.asarray(at), jnp.asarray(self.indices)
        status = bit(Status.PARAMETER_RANGE, ((indices < 0) | (indices >= target.count)) & (at != LAST))
        status |= bit(Status.TIME_RANGE, at < 0)
        if self.times is not None:
            status |= bit(Status.TIME_RANGE, wrong(self.times, model.dt, never=True))
        begin = first
        if self.start is not None:
            begin = step_of(self.start, model.dt)
            last = jnp.max(jnp.where(at == LAST, -1, at), initial=-1)
            status |= bit(Status.TIME_RANGE, wrong(self.start, model.dt))
            status |= bit(Status.INPUT_PAST, (first - begin > last) & (last >= 0))
        if not self.in_order:
            order = jnp.argsort(at, stable=True)
            at, indices = at[order], indices[order]
        indices = jnp.concatenate([indices, jnp.zeros(self.block, jnp.int32)])  # a block reaches beyond the end
        return _Listed(at, indices, begin, self.weight, status, target, self.block)


class _Listed(AbstractDrive):
    """The prepared drive: events in order of time."""

    at: Int[Array, " events"]
    indices: Int[Array, " more"]
    begin: Int[Array, ""]
    weight: Array
    bits: Array
    target: Target = eqx.field(static=True)
    block: int = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        now = t - self.begin
        first, end = jnp.searchsorted(self.at, jnp.stack([now, now + 1]), method="scan_unrolled").astype(jnp.int32)
        n = self.target.count

        def deliver(carry: Any) -> Any:
            i, count = carry
            places = i + jnp.arange(self.block, dtype=jnp.int32)
            neurons = lax.dynamic_slice_in_dim(self.indices, i, self.block)
            return i + self.block, count.at[jnp.where(places < end, neurons, n)].add(1, mode="drop")

        count = lax.while_loop(lambda carry: carry[0] < end, deliver, (first, jnp.zeros(n, jnp.int32)))[1]
        row = self.weight * count.astype(self.weight.dtype)
        return d, Inputs(arrivals=fed([(self.target, row)]))

    def status(self):
        return self.bits


def _indices(given: Any) -> Any:
    """Whole numbers as int32; floats are refused."""
    given = given if eqx.is_array(given) else np.asarray(given)
    if given.size == 0:
        given = given.astype(np.int32)
    if not jnp.issubdtype(given.dtype, np.integer):
        raise ValueError(f"SpikeGenerator.indices is of type {given.dtype}, expected whole numbers.")
    if is_concrete(given):
        given = np.asarray(given)
        if np.any(beyond := given >= LAST):
            raise ValueError(f"SpikeGenerator.indices holds {given[beyond].flat[0]}, expected less than {LAST}.")
    return given.astype(np.int32)


def _whole_steps(given: Any) -> Any:
    """Steps as int32, after removing rounding errors such as that of `0.3 / 0.1`."""
    given = given if eqx.is_array(given) else np.asarray(given)
    if is_concrete(given) and np.asarray(given).dtype.kind in "iuf":
        given = np.asarray(given, np.float64)
        nearest = np.rint(given)
        if np.any(off := ~(np.abs(given - nearest) <= 1e-3)):
            raise ValueError(
                f"Replay.events got step {given[off].flat[0]:.10g}, expected whole steps; for times in ms use "
                "SpikeGenerator(indices, times, into=...)."
            )
        outside = (nearest < 0) | (nearest >= LAST)
        if np.any(outside):
            raise ValueError(f"Replay.events has an event outside steps 0 .. : {nearest[outside].flat[0]:.10g}.")
        return nearest.astype(np.int32)
    if is_concrete(given) or not jnp.issubdtype(given.dtype, np.integer):
        raise ValueError(f"Replay.events got steps of type {given.dtype}, expected whole numbers.")
    return given.astype(np.int32)


def _laid_out(indices: np.ndarray, when: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Events in order of time, padded to a length from a coarse grid, and the largest number of events in one step.

    Lists of similar lengths thus share one compiled program.
    """
    size = _coarse(indices.shape[-1])
    never = LAST if np.issubdtype(when.dtype, np.integer) else np.inf
    room = [(0, 0)] * (indices.ndim - 1) + [(0, size - indices.shape[-1])]
    order = np.argsort(when, axis=-1, kind="stable")
    indices, when = (np.take_along_axis(x, order, axis=-1) for x in (indices, when))
    most = 1
    for row in when if when.ndim > 1 else [when]:
        counted = np.unique(row[row != never], return_counts=True)[1]
        most = max(most, int(counted.max(initial=1)))
    block = max(8, min(1 << (most - 1).bit_length(), 1024))
    return np.pad(indices, room), np.pad(when, room, constant_values=never), block


def _coarse(count: int) -> int:
    """`n` rounded up to one of eight values per octave."""
    unit = 1 << max(0, count.bit_length() - 4)
    return max(8, -(-count // unit) * unit)
