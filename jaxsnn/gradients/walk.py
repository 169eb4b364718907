"""A run of one example, step by step as `simulate` takes it, for estimators that look into every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from .. import _random
from .._types import canonical_float
from ..models import Inputs, Signals, silent
from ..networks.model import Network
from ..simulation.drives.base import AbstractDrive
from .losses.base import AbstractLoss


class Step(NamedTuple):
    """What one step saw and did: the state it started from, what was fed, and the signals after it."""

    state: Any
    inputs: Inputs
    signals: Signals


class Carry(NamedTuple):
    """What goes from step to step."""

    state: Any
    drive: Any
    spikes: dict[str, Array]
    loss: Any


class Walk(eqx.Module):
    """One example under way; the network that runs is handed to every step, so that it may change on the way."""

    net: Network
    drive: AbstractDrive  # prepared
    loss: AbstractLoss
    target: Any
    key: Array
    steps: int = eqx.field(static=True)

    @classmethod
    def of(cls, loss: AbstractLoss, net: Network, drive: AbstractDrive, target: Any, key: Array, steps: int) -> Walk:
        return cls(net, drive.prepare(net, jnp.int32(0)), loss, target, key, steps)

    @property
    def step_key(self) -> Array:
        """The key that every step is given."""
        return _random.named_key(self.key, "step")

    def start(self, drive: AbstractDrive) -> Carry:
        """Before the first step. `drive`: as it was before `prepare`."""
        return Carry(
            self.net.init(key=_random.named_key(self.key, "init")),
            drive.init(key=_random.named_key(self.key, "drive")),
            silent(self.net.sizes, canonical_float()),
            self.loss.init(self.net, self.steps, self.target),
        )

    def step(self, prepared: Any, carry: Carry, t: Int[Array, ""]) -> tuple[Carry, Step]:
        """Step `t`, the loss included."""
        drive_key = _random.named_key(self.key, "drive")
        seen = Signals(carry.spikes, prepared.view(carry.state))
        d, inputs = self.drive.step(carry.drive, t, seen, key=drive_key)
        state, signals = prepared.step(carry.state, inputs, t, key=self.step_key)
        loss = self.loss.step(carry.loss, signals, self.loss.at(self.target, t), t)
        return Carry(state, d, signals.spikes, loss), Step(carry.state, inputs, signals)

    def status(self, carry: Carry) -> Array:
        """Status bits of a run that ended in `carry`."""
        return self.net.status(carry.state) | self.drive.status() | self.loss.status(carry.loss)


def membranes(signals: Signals) -> dict[str, Array]:
    """`v` of every population that has one."""
    return {name: s["v"] for name, s in signals.state.items() if "v" in s}


def only_membranes(spikes: Mapping[str, Array], v: Mapping[str, Array]) -> Signals:
    """Signals that show spikes and membranes, and nothing else."""
    return Signals(spikes, {name: {"v": x} for name, x in v.items()})


def real(tree: Any) -> tuple[Any, Any]:
    """The parts of a tree that can be differentiated, and the rest."""
    return eqx.partition(tree, eqx.is_inexact_array)


def reads(function: Any, *args: Any) -> Any:
    """Which leaves of `args` the value of `function` depends on: booleans like `args`, from the function's program."""
    program = jax.make_jaxpr(function)(*args).jaxpr
    live = {id(variable) for variable in program.outvars}
    for line in reversed(program.eqns):
        if any(id(variable) in live for variable in line.outvars):
            live |= {id(variable) for variable in line.invars}
    return jax.tree.unflatten(jax.tree.structure(args), [id(variable) in live for variable in program.invars])
