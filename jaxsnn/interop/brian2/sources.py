"""Sources: neurons that fire when a drive says so, in that same step, and the drives that say it."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from ..._linear import Current
from ..._types import Param, param
from ...connectivity.release import AbstractRelease
from ...models import Inputs
from ...neurons.base import AbstractNeuron, Membrane
from ...simulation.drives.base import AbstractDrive


class Fed(AbstractNeuron):
    """Sends the current that is fed in a step, 1 for a spike, in that step.

    A `Parrot` sends in Brian2's order of events a step later what arrives, since arrivals follow the threshold.
    """

    def voltage(self, s: Membrane) -> None:
        return None

    def advance(self, s: Membrane, current: Current, dt: float, *, noise: Array | None = None) -> Membrane:
        return Membrane(current.a)

    def spike(self, s: Membrane) -> Array:
        return s.v

    def reset(self, s: Membrane, spike: Array, dt: float) -> Membrane:
        return s


class Gain(AbstractRelease):
    """Sends every spike `factor` times: `g += factor*w`, where the weight `w` itself is what learns."""

    factor: Param = param(1.0, unit="1")

    def init(self, shape, dtype):
        return ()

    def step(self, s, spike, dt):
        return s, self.factor * spike


class AsCurrents(AbstractDrive):
    """What a drive delivers to ports, as currents of their populations: for `Fed`."""

    drive: AbstractDrive

    @property
    def closed_loop(self):
        return self.drive.closed_loop

    @property
    def steps(self):
        return self.drive.steps

    def check(self, model, first):
        self.drive.check(model, first)

    def prepare(self, model, first):
        return AsCurrents(self.drive.prepare(model, first))

    def init(self, *, key):
        return self.drive.init(key=key)

    def step(self, d, t, signals, *, key):
        d, inputs = self.drive.step(d, t, signals, key=key)
        return d, Inputs(currents={path.partition(".")[0]: x for path, x in inputs.arrivals.items()})

    def status(self):
        return self.drive.status()


class HeldTable(AbstractDrive):
    """Brian2's `TimedArray` as the current of a population: row `k ahead // every` in step `k`, and the last row for
    good.

    **Arguments:** `values`: `(rows,)`, one for all, or `(rows, n)`. `into`: a population. `every`: steps of a row;
    `ahead`: rows of a step, where rows are shorter than steps.
    """

    values: Param = param(unit="current")
    into: str = eqx.field(static=True, kw_only=True)
    every: int = eqx.field(default=1, static=True, kw_only=True)
    ahead: int = eqx.field(default=1, static=True, kw_only=True)

    @property
    def closed_loop(self):
        return False

    def prepare(self, model, first):
        n = model.sizes[self.into]
        if self.values.ndim not in (1, 2) or self.values.shape[1:] not in ((), (n,)):
            raise ValueError(f"HeldTable.values has shape {self.values.shape}, expected (rows,) or (rows, {n}).")
        return _Rows(self.values, self.into, n, self.every, self.ahead)


class _Rows(AbstractDrive):
    """The prepared drive."""

    values: Array
    into: str = eqx.field(static=True)
    n: int = eqx.field(static=True)
    every: int = eqx.field(static=True)
    ahead: int = eqx.field(static=True)

    def step(self, d: Any, t, signals, *, key):
        row = jnp.minimum(t // self.every * self.ahead, self.values.shape[0] - 1)
        return d, Inputs(currents={self.into: jnp.broadcast_to(self.values[row], (self.n,))})
