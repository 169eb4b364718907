"""A run with concrete values: a few compiled calls, which are kept for the next run, whatever its length.

A program that depends on the number of steps would be compiled for every `t`. So a call runs up to `length` steps, how
many is an argument, and only the small program that makes records of what was stacked knows how many there are.
"""

from __future__ import annotations

import functools
import math
from contextlib import nullcontext
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from .._host import by_numpy
from .._types import on_device
from ..compilers import AbstractCompiler
from ..models import Signals
from . import room
from .parts import RunState, emitted_by, finished, observed, resumed, started
from .prepared import stepper_of
from .progress import AbstractProgress

_UPDATES = 80_000_000  # neuron updates of a call: about a fifth of a second, where a call from Python costs 0.3 ms
_STACKED = 16_000_000  # bytes that a call may stack without asking, before probes thin them
_LONGEST = 2**20  # steps of a call


def in_calls(given: Any, total: int, chunk: int, progress: AbstractProgress, compiler: AbstractCompiler) -> Any:
    """`(state, records, status)` of a run of `total` steps."""
    model, drive, probes, state, key = given
    with progress.compiling("simulate"):
        state = _begin(model, drive, key) if state is None else _resume(model, drive, state)
        stepped = [probe.prepare(model, state.model) for probe in probes]
        carries, shapes, length = _opening(model, stepped, state, total, chunk)
        stepper, driven = stepper_of(model), _driven(model, drive, state.t)
    kept = None if shapes is None else room.taken(shapes)
    stacked: Any = None
    with progress.task("simulate", total) as advance:
        for i, at in enumerate(range(0, total, length)):
            count = min(length, total - at)
            with progress.compiling("simulate") if i == 0 else nullcontext():
                now = (stepper, driven, stepped, key, state, on_device(np.int32(count)))
                state, carries, stacked = _go(now, carries, length, compiler)
                if count < length:
                    stacked = jax.tree.map(lambda x, count=count: _first(x, count), stacked)
                if kept is not None and shapes is not None:
                    carries, stacked = _emit((model, probes), carries, stacked)
                    kept = room.put(kept, stacked, shapes, i)
            jax.block_until_ready(state.t)
            advance(count)
    if kept is not None:
        stacked = jax.tree.unflatten(jax.tree.structure(stacked), kept)
        return state, *_finish((model, driven, probes, state), carries, stacked)
    return state, *_emit_and_finish((model, driven, probes, state), carries, stacked)


def _length(total: int, chunk: int, every: int, a_step: int, neurons: int) -> int:
    """Steps that a call has room for: the same for runs of any length, but where much is stacked in every step."""
    length = max(every, chunk // every * every)
    while 2 * length * neurons <= _UPDATES and 2 * length * a_step <= _STACKED and 2 * length <= _LONGEST:
        length *= 2
    while length * a_step > _STACKED and total <= (shorter := max(1, length // 8 // every) * every) < length:
        length = shorter
    return length


def _first(x: Array, count: int) -> Array:
    """The first rows; on a CPU by NumPy, which shares the memory and compiles nothing."""
    if all(device.platform == "cpu" for device in x.devices()):
        return jax.device_put(np.asarray(x)[:count])
    return x[:count]


# --- the programs -----------------------------------------------------------------------------------------------------
# Every number is an argument of them, so that the compiler has nothing to compute with.


@by_numpy
def _begin(model: Any, drive: Any, key: Any) -> RunState:
    return started(model, drive, key)


@by_numpy
def _resume(model: Any, drive: Any, state: RunState) -> RunState:
    return resumed(model, drive, state)


def _opening(model: Any, probes: Any, state: RunState, total: int, chunk: int) -> Any:
    """Empty carries, the room that records need, which is checked before any of it is taken, and steps of a call."""
    room_of = total if any(probe.sized for probe in probes) else None
    carries, a_step, every = _carries(model, probes, state, on_device(np.int32(total)), room_of)
    length = _length(total, chunk, every, a_step, max(1, sum(model.sizes.values())))
    shapes = room.emitted(model, probes, state, carries, total, length) if total > length else None
    room.check(length * a_step if shapes is None else sum(x.bytes for x in shapes), carries)
    return carries, shapes, length


@by_numpy
def _carries(model: Any, probes: Any, state: RunState, total: Any, room_of: int | None) -> Any:
    """Empty carries; bytes that are stacked a step, and steps that form a unit of all probes."""
    steps = [room_of if probe.sized else total for probe in probes]
    carries = [probe.init(model, n, state.t) for probe, n in zip(probes, steps, strict=True)]
    room.check(0, carries)

    def row(state: RunState, carries: Any) -> Any:
        signals = Signals(state.spikes, model.view(state.model))
        return [probe.step(carry, signals, state.t)[1] for probe, carry in zip(probes, carries, strict=True)]

    a_step = sum(math.prod(x.shape) * x.dtype.itemsize for x in jax.tree.leaves(jax.eval_shape(row, state, carries)))
    return carries, a_step, math.lcm(1, *(probe.stride(model) for probe in probes))


@by_numpy
def _driven(model: Any, drive: Any, first: Any) -> Any:
    return drive.prepare(model, first)


_own = functools.partial(by_numpy, donate=True)  # what a call is handed is its own memory


@functools.partial(eqx.filter_jit, donate="all-except-first")
def _go(given: Any, carries: Any, length: int, compiler: AbstractCompiler) -> Any:
    """So many steps, and what was stacked in them: `length` rows, of which the others are zero."""
    stepper, drive, probes, key, state, count = given
    feed, observe, step_key = observed(drive, probes, key)
    carry = (state.model, state.spikes, (state.drive, carries))
    (at, spikes, (d, carries)), stacked = stepper.run_up_to(
        carry, state.t, count, length, feed=feed, observe=observe, key=step_key, compiler=compiler
    )
    return RunState(state.t + count, at, d, spikes, state.dt), carries, stacked


@_own
def _emit(given: Any, carries: Any, stacked: Any) -> Any:
    model, probes = given
    return emitted_by(model, probes, carries, stacked)


@_own
def _finish(given: Any, carries: Any, emitted: Any) -> Any:
    model, drive, probes, state = given
    return finished(model, drive, probes, state, carries, emitted)


@_own
def _emit_and_finish(given: Any, carries: Any, stacked: Any) -> Any:
    model, drive, probes, state = given
    return finished(model, drive, probes, state, *emitted_by(model, probes, carries, stacked))
