"""Run a model over time: two nested scans, state in and out, and nothing recorded that was not asked for."""

from __future__ import annotations

import math
import reprlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, UInt32

from .. import _random
from .._reports import reported
from .._status import Status, bit, explain, raise_if
from .._time import off_grid, on_grid, run_steps, whole
from .._tree import barrier
from .._types import canonical_float, is_concrete
from ..dynamics import AbstractDynamics, Signals, silent
from . import room
from .batching import batched_by_device, misplaced
from .checkpoint import AbstractCheckpoint, KeepAll
from .drive import AbstractDrive, Silence
from .events import AbstractSpikeRecord
from .progress import AbstractProgress, Bar
from .record import AbstractProbe
from .rows import Rows


class RunState(eqx.Module):
    """Where a run stands: enough to go on as if it had never stopped."""

    t: Int[Array, ""]  # the next step
    dynamics: Any
    drive: Any
    spikes: dict[str, Array]  # of the step before, which drives see


class Run(eqx.Module):
    """A finished run: `run["name"]` is the record of that probe, `run.state` continues it, `run.status` its bits."""

    record: Any
    state: RunState
    status: UInt32[Array, ""]
    rows: Rows | None = eqx.field(default=None, static=True)

    def __getitem__(self, name: Any) -> Any:
        return self.record[name]

    def times(self, *names: Any) -> Any:
        """When what `run[name]` holds happened, ms, absolute: of a `Trace`, `Snapshots` or `Rate` a time a row, of
        recorded spikes a time a spike. `run.times("a", "b")` for `run["a"]["b"]`; no name where one probe was given.

        In NumPy, in double precision; while tracing (and there not for spikes) in JAX.
        """
        found = self.record
        for name in names:
            found = found[name]
        if isinstance(found, AbstractSpikeRecord):
            return found.times()
        if self.rows is None:
            raise ValueError("This run was not made by simulate: it does not know its times.")
        return self.rows.times(names, found, self.state.t)

    @property
    def problems(self) -> list[str]:
        """The status in words, with remedies; empty for a clean run. For concrete runs."""
        return explain(self.status)


def simulate(
    dynamics: AbstractDynamics,
    drive: AbstractDrive | None = None,
    *,
    t: float | None = None,
    steps: int | None = None,
    key: Array,
    state: RunState | None = None,
    record: Any = None,
    chunk: int = 1000,
    checkpoint: AbstractCheckpoint | None = None,
    progress: AbstractProgress | None = None,
    throw: bool = True,
) -> Run:
    """Run `dynamics` under `drive` for `t` ms, or for a number of `steps`.

    **Main arguments:**

    - `dynamics`: a network, or any `AbstractDynamics`. `drive`: what comes in (sums with `+`); None for nothing.
    - `t`: ms, a whole number of steps; or `steps`. Static.
    - `key`: with the same key, a run in two parts (`state=first.state`) equals one run bit for bit.
    - `state`: where to start; None for `dynamics.init`.
    - `record`: a pytree of probes; `run.record` has the same structure.

    **Other arguments:**

    - `chunk`: steps of the inner scan. It bounds what is stacked before probes thin it, and changes no number.
    - `checkpoint`: what is kept for a derivative in reverse: `KeepAll()` (default), `Chunked()`, `Recursive()`,
      `Truncated(steps)`. It changes no value.
    - `progress`: `Bar()` (default: shows itself when a run takes longer than two seconds) or `Quiet()`.
    - `throw`: raise `SimulationError` at the end if the status is not clean; False leaves it to `run.status`. While
      tracing there is nothing to raise: return `run.status` from the program. `sweep` collects it by itself, unless
      `throw=False`.

    Inside `jit` it is one program; outside, several compiled calls, so that there is progress to show.
    Batched with `vmap`, instances run one after the other on a CPU (call from one thread a core: `sweep` does), and
    together on an accelerator. Over several devices: `jit` of it with arguments sharded over a mesh of
    `AxisType.Auto`, whose size divides the batch on a CPU; or `jax.shard_map(..., check_vma=False)`.
    """
    _check(dynamics, drive, state, chunk, checkpoint, progress, throw)
    key = _random.as_key(key)
    total = run_steps(t, steps, dynamics.dt, first := jnp.int32(0) if state is None else state.t)
    drive, record = on_grid((Silence() if drive is None else drive, record), dynamics.dt)
    drive.check(dynamics, first)
    probes, structure = jax.tree.flatten(record, is_leaf=lambda x: isinstance(x, AbstractProbe))
    for probe in probes:
        if not isinstance(probe, AbstractProbe):
            raise ValueError(f"record holds {probe!r}, expected a pytree of probes such as Count('E').")
        probe.check(dynamics, first, total)
    policy = KeepAll() if checkpoint is None else checkpoint
    length = policy.chunk(total, chunk, math.lcm(1, *(probe.every(dynamics) for probe in probes)))
    given = (dynamics, drive, tuple(probes), state, key)
    if is_concrete(given):
        if (why := drive.unsupported(dynamics)) is not None:
            raise ValueError(why)
        state, records, status = _in_calls(given, total, length, Bar() if progress is None else progress)
        if throw:
            raise_if(status)
    else:
        program = lambda ahead: lambda *given: _in_one_program(given, total, length, policy, ahead)
        whole = batched_by_device(program(False), None if drive.reacts else program(True))
        try:
            state, records, status = whole(*given)
        except (ValueError, TypeError, AssertionError) as error:
            if (better := misplaced(error, given)) is not None:
                raise better from error
            raise
        if throw:
            state, records, status = reported(status, (state, records, status))
    rows = Rows(total, dynamics.dt, structure, tuple(probe.spacing(dynamics) for probe in probes))
    return Run(jax.tree.unflatten(structure, records), state, status, rows)


def _check(dynamics: Any, drive: Any, state: Any, chunk: Any, checkpoint: Any, progress: Any, throw: Any) -> None:
    """One error for an argument of another kind than `simulate` takes."""
    kinds = {
        "dynamics": (dynamics, AbstractDynamics, "a network(...), or what it was lowered to"),
        "drive": (drive, AbstractDrive | None, "one drive, such as Poisson(...); several add up with +"),
        "state": (state, RunState | None, "the `state` of an earlier run, or None"),
        "checkpoint": (checkpoint, AbstractCheckpoint | None, "KeepAll(), Chunked(), Recursive() or Truncated(steps)"),
        "progress": (progress, AbstractProgress | None, "Bar() or Quiet()"),
        "throw": (throw, bool, "True or False"),
    }
    for name, (value, kind, wanted) in kinds.items():
        if not isinstance(value, kind):
            raise ValueError(f"Got {name} = {reprlib.repr(value)} ({type(value).__name__}), expected {wanted}.")
    if whole(chunk) is None or chunk < 1:
        raise ValueError(f"Got chunk = {chunk!r}, expected a positive number of steps.")


# --- the three parts of a run, pure and traceable ---------------------------------------------------------------------


def _start(given: Any, total: int, ahead: bool = False) -> Any:
    """Everything derived once: what steps, where it starts, and empty records. `ahead`: input may be fed in advance."""
    dynamics, drive, probes, state, key = barrier(given)
    first = jnp.int32(0) if state is None else state.t
    carries = [probe.init(dynamics, total, first) for probe in probes]
    if state is None:
        state = RunState(
            first,
            dynamics.init(key=_random.named_key(key, "init")),
            drive.init(key=_random.named_key(key, "drive")),
            silent(dynamics.sizes, canonical_float()),
        )
    else:
        state = eqx.tree_at(lambda s: s.dynamics, state, dynamics.resumed(state.dynamics))
    return dynamics.staged() if ahead else dynamics.prepare(), drive.prepare(dynamics, first), state, carries


def _go(prepared: Any, drive: Any, probes: Any, key: Any, state: RunState, carries: Any, length: int) -> Any:
    """One chunk of `length` steps."""
    prepared, drive, key = barrier((prepared, drive, key))
    step_key, drive_key = _random.named_key(key, "step"), _random.named_key(key, "drive")

    def feed(side: Any, state: Any, t: Array) -> Any:
        d, spikes, carries = side
        d, inputs = drive.step(d, t, Signals(spikes, prepared.view(state)), key=drive_key)
        return (d, spikes, carries), inputs

    def observe(side: Any, signals: Signals, t: Array) -> Any:
        d, _, carries = side
        pairs = [probe.step(carry, signals, t) for probe, carry in zip(probes, carries, strict=True)]
        return (d, signals.spikes, [carry for carry, _ in pairs]), [out for _, out in pairs]

    carry = (state.dynamics, (state.drive, state.spikes, carries))
    carry, stacked = prepared.run(carry, state.t, length, feed=feed, observe=observe, key=step_key)
    dynamics, (d, spikes, carries) = carry
    thinned = [p.emit(c, out, prepared) for p, c, out in zip(probes, carries, stacked, strict=True)]
    state = RunState(state.t + length, dynamics, d, spikes)
    return state, [carry for carry, _ in thinned], [out for _, out in thinned]


def _finish(given: Any, carries: Any, emitted: Any) -> Any:
    """Records, and the status of all that took part."""
    prepared, drive, probes, state = given
    status = prepared.status(state.dynamics) | drive.status()
    status |= bit(Status.CLOCK_END, state.t < 0) | bit(Status.TIME_RANGE, off_grid(probes, prepared.dt))
    for probe, carry in zip(probes, carries, strict=True):
        status |= probe.status(carry)
    records = [p.finish(c, out, prepared) for p, c, out in zip(probes, carries, emitted, strict=True)]
    return records, status


# --- how they are put together ----------------------------------------------------------------------------------------


def _several(given: Any, carries: Any, length: int, n: int, policy: AbstractCheckpoint = KeepAll()) -> Any:
    """`n` chunks of `length` steps."""
    prepared, drive, probes, key, state = given
    words, closed = _random.opened(key)

    def go(carry: Any) -> Any:
        state, carries, emitted = _go(prepared, drive, probes, closed(words), *carry, length)
        return (state, carries), emitted

    (state, carries), emitted = policy.repeat(go, (state, carries), n)
    return state, carries, jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), emitted)


def _in_one_program(given: Any, total: int, length: int, policy: AbstractCheckpoint, ahead: bool) -> Any:
    """While tracing: everything at once."""
    _, _, probes, _, key = given
    prepared, drive, state, carries = _start(given, total, ahead)
    whole, rest = divmod(total, length)
    room.check(room.emitted(prepared, probes, state, carries, total, length), carries)
    state, carries, emitted = _several((prepared, drive, probes, key, state), carries, length, whole, policy)
    if rest:
        state, carries, last = _go(prepared, drive, probes, key, state, carries, rest)
        emitted = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), emitted, last)
    return state, *_finish((prepared, drive, probes, state), carries, emitted)


def _opening(given: Any, total: int, length: int) -> Any:
    """The start of a run in calls, and what room its records need, which is checked before any of it is taken."""
    prepared, drive, state, carries = _start(given, total)
    shapes = room.emitted(prepared, given[2], state, carries, total, length)
    room.check(shapes, carries)
    return prepared, drive, state, carries, shapes


def _in_calls(given: Any, total: int, length: int, progress: AbstractProgress) -> Any:
    """With concrete values: in several compiled calls, so that there is progress to show and a run can be stopped."""
    dynamics, _, probes, _, key = given
    whole, rest = divmod(total, length)
    with progress.compiling("simulate"):
        prepared, drive, state, carries, shapes = _compiled_opening(given, total, length)
    together = _chunks_a_call(whole, length * sum(dynamics.sizes.values()))
    calls = [(length, together)] * (whole // together) + [(rest, 1)] * bool(rest)
    kept, emitted = None if len(calls) == 1 else room.taken(shapes), None
    with progress.task("simulate", total) as advance:
        for i, (n, chunks) in enumerate(calls):
            with progress.compiling("simulate"):
                state, carries, emitted = _compiled_several((prepared, drive, probes, key, state), carries, n, chunks)
            kept = kept and room.put(kept, emitted, shapes, i * together)
            jax.block_until_ready(state.t)
            advance(n * chunks)
    if kept is not None:
        emitted = jax.tree.unflatten(jax.tree.structure(emitted), kept)
    return state, *_compiled_finish((prepared, drive, probes, state), carries, emitted)


def _chunks_a_call(whole: int, work: int) -> int:
    """Chunks a call: a divisor of their number, and about a tenth of a second (a call from Python costs 0.3 ms).

    `work`: neuron updates of a chunk.
    """
    most = max(1, min(whole, 40_000_000 // work))
    return next(n for n in range(most, 0, -1) if whole % n == 0)


_compiled_opening = eqx.filter_jit(_opening)
_compiled_several, _compiled_finish = (eqx.filter_jit(f, donate="all-except-first") for f in (_several, _finish))
