"""Run a model over time: two nested scans, state in and out, and nothing recorded that was not asked for."""

from __future__ import annotations

import math
import reprlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from .. import _random
from .._derivatives import without_derivative
from .._exports import Exported
from .._reports import reported
from .._status import explain, raise_if
from .._time import on_grid, run_steps, whole
from .._types import is_concrete, is_staged
from .._xla import opaque
from ..compilers import XLA, AbstractCompiler
from ..models import AbstractModel, AbstractPlan, Forward, Reverse
from . import room
from .batching import batched_by_device, misplaced
from .calls import in_calls
from .checkpointing import AbstractCheckpoint, KeepAll
from .drives.base import AbstractDrive, Silence
from .parts import RunState, emitted_by, finished, observed, resumed, started
from .probes.base import AbstractProbe
from .probes.events import AbstractSpikeRecord
from .probes.shortcuts import expanded
from .progress import AbstractProgress, Bar
from .rows import RowTimes


class Run(eqx.Module, Exported):
    """A finished run: `run["name"]`, or `run.record`, is the record of that probe, `run.state` continues it,
    `run.status` its bits.

    `run.times("name")` and `run.units("name")` are its times and its unit; `run.to_neo()`, `to_pandas()`,
    `to_xarray()`, `to_pynapple()` and `to_nwb()` hand all of it over.
    """

    record: Any
    state: RunState
    status: UInt32[Array, ""]
    rows: RowTimes | None = eqx.field(default=None, static=True)

    def __getitem__(self, name: Any) -> Any:
        return self.record[name]

    def times(self, *names: Any) -> Any:
        """When what `run[name]` holds happened, ms, absolute: of `Trace`, `Snapshots`, `PopulationRate` one per row,
        of recorded spikes a time a spike. `run.times("a", "b")` for `run["a"]["b"]`; no name where one probe was given.

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

    def units(self, *names: Any) -> str:
        """The unit of the numbers in `run[name]` (`"ms"` of spikes, `"Hz"` of rates, `"mV"` of a membrane); empty where
        the model leaves it open. Names as of `times`."""
        if self.rows is None:
            raise ValueError("This run was not made by simulate: it does not know its units.")
        return self.rows.unit(names)

    @property
    def problems(self) -> list[str]:
        """The status in words, with remedies; empty for a clean run. For concrete runs."""
        return explain(self.status)


def simulate(
    model: AbstractModel,
    drive: AbstractDrive | None = None,
    *,
    t: float | None = None,
    steps: int | None = None,
    key: Array,
    state: RunState | Run | None = None,
    record: Any = None,
    chunk: int = 1000,
    checkpoint: AbstractCheckpoint | None = None,
    progress: AbstractProgress | None = None,
    compiler: AbstractCompiler = XLA(),
    throw: bool = True,
) -> Run:
    """Run `model` under `drive` for `t` ms, or for a number of `steps`.

    **Main arguments:**

    - `model`: a network, or any `AbstractModel`. `drive`: what comes in (sums with `+`); None for nothing.
    - `t`: ms, a whole number of steps; or `steps`. Static.
    - `key`: with the same key, a run in two parts (`state=first.state`) equals one run bit for bit.
    - `state`: where to start: an earlier run of a model of the same structure and step, or its `state`; None for
      `model.init`. Parameters and weights may have been set since.
    - `record`: a pytree of probes; `run.record` has the same structure. Names stand for probes: `"spikes"`, `"rates"`
      (bins of 1 ms) and `"v"` of all populations, a population's spikes (`"E"`), a variable over time (`"E[0:5].v"`);
      one name, a list, or values of a dictionary.

    **Other arguments:**

    - `chunk`: steps of the inner scan. It bounds what is stacked before probes thin it (where that is little, a call
      has room for more), and changes no number.
    - `checkpoint`: what is kept for a derivative in reverse: `KeepAll()` (default), `Chunked()`, `Recursive()`,
      `Truncated(steps)`. It changes no value.
    - `progress`: `Bar()` (default: shows itself when a run takes longer than two seconds) or `Quiet()`.
    - `compiler`: `compilers.XLA()` (default) or `compilers.C()`, which is faster on CPUs; derivatives are XLA's.
    - `throw`: raise `SimulationError` at the end if the status is not clean; False leaves it to `run.status`. While
      tracing there is nothing to raise: return `run.status` from the program. `sweep` collects it by itself, unless
      `throw=False`.

    Inside `jit` it is one program; outside, several compiled calls, so that there is progress to show. Their programs
    are kept: another `t`, a continued run or a network of the same structure compiles nothing but what makes records.
    Batched with `vmap`, instances run one after the other on a CPU (call from one thread a core: `sweep` does), and
    together on an accelerator. Over several devices: `jit` of it with arguments sharded over a mesh of
    `AxisType.Auto`, whose size divides the batch; or `jax.shard_map(..., check_vma=False)`.
    """
    begin = state.state if isinstance(state, Run) else state
    _check(model, drive, begin, chunk, checkpoint, progress, compiler, throw)
    key = _random.as_key(key)
    total = run_steps(t, steps, model.dt, first := np.int32(0) if begin is None else begin.t)
    drive, record = on_grid((Silence() if drive is None else drive, expanded(record, model)), model.dt)
    drive.check(model, first)
    probes, structure = jax.tree.flatten(record, is_leaf=lambda x: isinstance(x, AbstractProbe))
    for probe in probes:
        if not isinstance(probe, AbstractProbe):
            raise ValueError(f"record holds {probe!r}, expected a pytree of probes such as Count('E').")
        probe.check(model, first, total)
    policy = KeepAll() if checkpoint is None else checkpoint
    length = policy.chunk(total, chunk, math.lcm(1, *(probe.stride(model) for probe in probes)))
    given = (model, drive, tuple(probes), begin, key)
    if is_concrete(given) and not is_staged():
        if (why := drive.unsupported(model)) is not None:
            raise ValueError(why)
        end, records, status = in_calls(given, total, chunk, Bar() if progress is None else progress, compiler)
        if throw:
            raise_if(status)
    else:
        if (why := model.no_derivative()) is not None:
            given = without_derivative(given, why)
        program = lambda plan, compiler=compiler: (
            lambda *given: _in_one_program(given, total, length, policy, plan, compiler)
        )
        whole = batched_by_device(
            program(Forward()),
            program(Reverse(input_known=not drive.closed_loop)),
            program(Forward(), XLA(batch=True)),
        )
        try:
            end, records, status = whole(*given)
        except (ValueError, TypeError, AssertionError) as error:
            if (better := misplaced(error, given)) is not None:
                raise better from error
            raise
        if throw:
            end, records, status = reported(status, (end, records, status))
    rows = RowTimes(
        total, model.dt, structure, *(tuple(x) for x in zip(*((p.spacing(model), p.unit(model)) for p in probes)))
    )
    return Run(jax.tree.unflatten(structure, records), end, status, rows)


def _check(
    model: Any, drive: Any, state: Any, chunk: Any, checkpoint: Any, progress: Any, compiler: Any, throw: Any
) -> None:
    """One error for an argument of another kind than `simulate` takes."""
    kinds = {
        "model": (model, AbstractModel, "a network(...), or what it was lowered to"),
        "drive": (drive, AbstractDrive | None, "one drive, such as Poisson(...); several add up with +"),
        "state": (state, RunState | None, "the `state` of an earlier run, or None"),
        "checkpoint": (checkpoint, AbstractCheckpoint | None, "KeepAll(), Chunked(), Recursive() or Truncated(steps)"),
        "progress": (progress, AbstractProgress | None, "Bar() or Quiet()"),
        "compiler": (compiler, AbstractCompiler, "compilers.XLA() or compilers.C()"),
        "throw": (throw, bool, "True or False"),
    }
    for name, (value, kind, wanted) in kinds.items():
        if not isinstance(value, kind):
            raise ValueError(f"Got {name} = {reprlib.repr(value)} ({type(value).__name__}), expected {wanted}.")
    if whole(chunk) is None or chunk < 1:
        raise ValueError(f"Got chunk = {chunk!r}, expected a positive number of steps.")


# --- while tracing: one program ---------------------------------------------------------------------------------------


def _go(
    stepper: Any,
    model: Any,
    drive: Any,
    probes: Any,
    key: Any,
    state: RunState,
    carries: Any,
    length: int,
    compiler: AbstractCompiler,
) -> Any:
    """One chunk of `length` steps."""
    stepper, drive, key = opaque((stepper, drive, key))
    feed, observe, step_key = observed(drive, probes, key)
    carry = (state.model, state.spikes, (state.drive, carries))
    carry, stacked = stepper.run(carry, state.t, length, feed=feed, observe=observe, key=step_key, compiler=compiler)
    at, spikes, (d, carries) = carry
    return RunState(state.t + length, at, d, spikes, state.dt), *emitted_by(model, probes, carries, stacked)


def _in_one_program(
    given: Any,
    total: int,
    length: int,
    policy: AbstractCheckpoint,
    plan: AbstractPlan,
    compiler: AbstractCompiler = XLA(),
) -> Any:
    """Everything at once."""
    model, drive, probes, state, key = opaque(given)
    state = started(model, drive, key) if state is None else resumed(model, drive, state)
    carries = [probe.init(model, total, state.t) for probe in probes]
    stepper = model.prepare(plan)
    compiler = compiler if isinstance(plan, Forward) else XLA()
    drive, (words, closed) = drive.prepare(model, state.t), _random.opened(given[4])

    def go(carry: Any) -> Any:
        state, carries = carry
        state, carries, emitted = _go(stepper, model, drive, probes, closed(words), state, carries, length, compiler)
        return (state, carries), emitted

    whole, rest = divmod(total, length)
    room.check(sum(x.bytes for x in room.emitted(model, probes, state, carries, total, length)), carries)
    (state, carries), emitted = policy.repeat(go, (state, carries), whole)
    emitted = jax.tree.map(lambda x: x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]), emitted)
    if rest:
        state, carries, last = _go(stepper, model, drive, probes, closed(words), state, carries, rest, compiler)
        emitted = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), emitted, last)
    return state, *finished(model, drive, probes, state, carries, emitted)
