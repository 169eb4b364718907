"""The parts of a run, pure and traceable: where it starts, what goes on in a step, and what is left at the end."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from .. import _random
from .._status import Status, bit
from .._time import off_grid
from .._types import canonical_float
from ..models import Feed, Observe, Signals, silent


class RunState(eqx.Module):
    """Where a run stands: enough to go on as if it had never stopped."""

    t: Int[Array, ""]  # the next step
    model: Any
    drive: Any
    spikes: dict[str, Array]  # of the step before, which drives see
    dt: float | None = eqx.field(default=None, static=True)  # ms: the step of the model that ran; None: not known


def started(model: Any, drive: Any, key: Any) -> RunState:
    """The state before step 0."""
    return RunState(
        jnp.int32(0),
        model.init(key=_random.named_key(key, "init")),
        drive.init(key=_random.named_key(key, "drive")),
        silent(model.sizes, canonical_float()),
        model.dt,
    )


def resumed(model: Any, drive: Any, state: RunState) -> RunState:
    """The state of an earlier run, as `model` continues it; one error if it is of another model or drive."""
    if (why := misfit(model, drive, state)) is not None:
        raise ValueError(why)
    return eqx.tree_at(lambda s: s.model, state, model.resumed(state.model))


def misfit(model: Any, drive: Any, state: RunState) -> str | None:
    """Why `model` and `drive` cannot go on from `state`, in one sentence; None if they can."""
    what = f"Got a state that does not fit this {type(model).__name__}: "
    advice = (
        "; expected the state of a run of a model of the same structure and step: continue that one, or start anew "
        "(state=None)."
    )
    if state.dt is not None and state.dt != model.dt:
        return f"{what}it is of a model with dt = {state.dt:g} ms, and this one has dt = {model.dt:g} ms{advice}"
    wanted = jax.eval_shape(lambda: started(model, drive, jax.random.key(0)))
    have, want = _variables(state), _variables(wanted)
    for name in sorted(have.keys() | want.keys()):
        if name not in have or name not in want:
            owner, other = ("the state", "the model") if name in have else ("the model", "the state")
            if name.startswith("drive"):
                owner, other = owner.replace("model", "drive"), other.replace("model", "drive")
            return f"{what}{owner} has {name}, and {other} has none{advice}"
        if have[name] != want[name]:
            (shape, dtype), (other, kind) = have[name], want[name]
            if shape != other:
                return f"{what}{name} has shape {shape} in the state and {other} in the model{advice}"
            return f"{what}{name} is {dtype} in the state and {kind} in the model (jax_enable_x64?){advice}"
    if jax.tree.structure(state.model) != jax.tree.structure(wanted.model):
        return f"{what}its parts are of other kinds{advice}"
    return None


def _variables(state: RunState) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of every variable, by a name like "E.neuron.v"."""
    found = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        name = jax.tree_util.keystr(path, simple=True, separator=".").removeprefix("model.")
        name = name.removeprefix("populations.").removeprefix("projections.")
        found[name] = (tuple(leaf.shape), str(leaf.dtype))
    return found


class Feeding(eqx.Module):
    """`feed` of `AbstractStepper.run`: a drive. A module, so that its arrays are seen by who divides them."""

    drive: Any
    key: Any

    def __call__(self, side: Any, signals: Signals, t: Array) -> Any:
        d, carries = side
        d, inputs = self.drive.step(d, t, signals, key=self.key)
        return (d, carries), inputs


class Observing(eqx.Module):
    """`observe` of `AbstractStepper.run`: probes."""

    probes: Any

    def __call__(self, side: Any, signals: Signals, t: Array) -> Any:
        d, carries = side
        pairs = [probe.step(carry, signals, t) for probe, carry in zip(self.probes, carries, strict=True)]
        return (d, [carry for carry, _ in pairs]), [out for _, out in pairs]


def observed(drive: Any, probes: Any, key: Any) -> tuple[Feed, Observe, Any]:
    """`feed` and `observe` of `AbstractStepper.run`, and the key of its steps."""
    step_key, drive_key = _random.named_key(key, "step"), _random.named_key(key, "drive")
    return Feeding(drive, drive_key), Observing(probes), step_key


def emitted_by(model: Any, probes: Any, carries: Any, stacked: Any) -> tuple[list[Any], list[Any]]:
    """What a chunk leaves behind: the carries of all probes, and what each emits."""
    thinned = [p.emit(c, out, model) for p, c, out in zip(probes, carries, stacked, strict=True)]
    return [carry for carry, _ in thinned], [out for _, out in thinned]


def finished(model: Any, drive: Any, probes: Any, state: RunState, carries: Any, emitted: Any) -> Any:
    """Records, and the status of all that took part."""
    status = model.status(state.model) | drive.status()
    status |= bit(Status.CLOCK_END, state.t < 0) | bit(Status.TIME_RANGE, off_grid(probes, model.dt))
    for probe, carry in zip(probes, carries, strict=True):
        status |= probe.status(carry)
    records = [p.finish(c, out, model) for p, c, out in zip(probes, carries, emitted, strict=True)]
    return records, status
