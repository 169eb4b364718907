"""A drive of modulators: named signals, such as reward or dopamine, that plasticity reads."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array

from ..._time import instant
from ..._types import OptionalParam, Param, param
from ...models import Inputs
from .base import AbstractDrive
from .when import Rows, check_bin, check_rows


class Modulator(AbstractDrive):
    """Feeds a named signal, one value per step; 0 after the last one.

    A modulator that depends on the network's activity is an environment: write a drive whose `step` returns
    `Inputs(modulators={"reward": ...})`; it sees the spikes of the previous step.

    **Arguments:** `name`: e.g. `"reward"`. `values`: shape `(rows,)`, or a number that is fed in every step. `start`:
    ms, absolute, when the first row is fed; by default where the run starts. `bin`: ms for which each row is held,
    static; None for one step.
    """

    name: str = eqx.field(static=True)
    values: Param = param(unit="1")
    start: OptionalParam = instant(None, optional=True, kw_only=True)
    bin: float | None = eqx.field(default=None, static=True, kw_only=True)

    @property
    def closed_loop(self):
        return False

    def __check_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"Modulator.name is {self.name!r}, expected a name such as 'reward'.")
        if self.values.ndim > 1 or 0 in self.values.shape:
            raise ValueError(f"Modulator.values has shape {self.values.shape}, expected () or (steps,).")
        if self.values.ndim == 0 and (self.start is not None or self.bin is not None):
            raise ValueError("Modulator.values is one number, fed in every step; leave `start` and `bin` out.")
        check_bin(self.bin, "Modulator.bin")

    def check(self, model, first):
        if self.values.ndim:
            check_rows(self, len(self.values), model.dt, first, self.bin)

    def prepare(self, model, first):
        if self.values.ndim == 0:
            return _Constant(self.name, self.values)
        return _Modulated(self.name, Rows.of(self.values, self.start, self.bin, model.dt, first))


class _Constant(AbstractDrive):
    """The prepared drive."""

    name: str = eqx.field(static=True)
    value: Array

    def step(self, d, t, signals, *, key):
        return d, Inputs(modulators={self.name: self.value})


class _Modulated(AbstractDrive):
    """The prepared drive."""

    name: str = eqx.field(static=True)
    rows: Rows

    def step(self, d, t, signals, *, key):
        return d, Inputs(modulators={self.name: self.rows.at(t)})

    def status(self):
        return self.rows.bad
