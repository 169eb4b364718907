"""Drives that inject currents: constant, noisy, or given over time."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import _random
from ..._select import Chosen
from ..._time import instant
from ..._types import OptionalParam, Param, param
from ...models import AbstractModel, Inputs
from .base import AbstractDrive
from .target import Target, fed, index, names, targets
from .when import Rows, Window, bin_steps, check_bin, check_rows, check_window


class StepCurrent(AbstractDrive):
    """A constant current between `start` and `stop`, in every step that begins in this interval.

    NEST: `dc_generator`, one level of `step_current_generator`; PyNN: `DCSource`.

    **Arguments:** `amplitude`: in the unit that the neurons' `gain` expects, shape `()` or `(n,)`. `into`: a population
    or several, `"E"`, `"E[0:10]"`. `index`: which neurons of each, as in probes. `start`, `stop`: ms, absolute, whole
    steps.
    """

    amplitude: Param = param(unit="current")
    into: tuple[str, ...] = eqx.field(converter=names, static=True, kw_only=True)
    index: Chosen = index()
    start: Param = instant(0.0, kw_only=True)
    stop: Param = instant(math.inf, never=True, kw_only=True)

    axes: ClassVar = {"amplitude": 1}

    @property
    def closed_loop(self):
        return False

    def __check_init__(self):
        check_window(self)

    def prepare(self, model, first):
        populations = _populations(self, model, amplitude=self.amplitude)
        return _Currents(self.amplitude, None, Window.of(self.start, self.stop, model.dt), populations, 1)


class NoiseCurrent(AbstractDrive):
    """A white-noise current: independent normal numbers for every neuron, each held for `every` ms.

    NEST: `noise_generator`; PyNN: `NoisyCurrentSource`.

    **Arguments:** `sd`, `mean`: in the unit that the neurons' `gain` expects, shape `()` or `(n,)`. `into`: a
    population or several, `"E"`, `"E[0:10]"`. `index`: which neurons of each, as in probes. `start`, `stop`: ms,
    absolute, whole steps. `every`: ms for which each number is held, static; None for one step.
    """

    sd: Param = param(unit="current", ge=0.0)
    mean: Param = param(0.0, unit="current")
    into: tuple[str, ...] = eqx.field(converter=names, static=True, kw_only=True)
    index: Chosen = index()
    start: Param = instant(0.0, kw_only=True)
    stop: Param = instant(math.inf, never=True, kw_only=True)
    every: float | None = eqx.field(default=None, static=True, kw_only=True)

    axes: ClassVar = {"sd": 1, "mean": 1}

    @property
    def closed_loop(self):
        return False

    def __check_init__(self):
        check_window(self)
        check_bin(self.every, "NoiseCurrent.every")

    def check(self, model, first):
        bin_steps(self.every, model.dt, "NoiseCurrent.every")

    def prepare(self, model, first):
        populations = _populations(self, model, sd=self.sd, mean=self.mean)
        every = bin_steps(self.every, model.dt, "NoiseCurrent.every")
        return _Currents(self.mean, self.sd, Window.of(self.start, self.stop, model.dt), populations, every)


class TimedArray(AbstractDrive):
    """A current given over time, such as a recorded one (Brian2: `TimedArray`; NEST: `step_current_generator`); 0 after
    its end.

    **Arguments:** `values`: shape `(rows,)` for the same current into all, or `(rows, n)`, in the unit that the
    neurons' `gain` expects. `into`: a population or several, `"E"`, `"E[0:10]"`. `index`: which neurons of each, as in
    probes. `start`: ms, absolute, when the first row begins; by default where the run starts. `bin`: ms for which each
    row is held, static; None for one step.
    """

    values: Param = param(unit="current")
    into: tuple[str, ...] = eqx.field(converter=names, static=True, kw_only=True)
    index: Chosen = index()
    start: OptionalParam = instant(None, optional=True, kw_only=True)
    bin: float | None = eqx.field(default=None, static=True, kw_only=True)

    @property
    def closed_loop(self):
        return False

    def __check_init__(self):
        check_bin(self.bin, "TimedArray.bin")
        if self.values.ndim not in (1, 2) or 0 in self.values.shape:
            raise ValueError(f"TimedArray.values has shape {self.values.shape}, expected (steps,) or (steps, n).")

    def check(self, model, first):
        check_rows(self, len(self.values), model.dt, first, self.bin)

    def prepare(self, model, first):
        populations = _populations(self, model, values=self.values[0])
        return _Wave(Rows.of(self.values, self.start, self.bin, model.dt, first), populations)


class _Wave(AbstractDrive):
    """The prepared drive."""

    rows: Rows
    populations: tuple[Target, ...] = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        now = self.rows.at(t)
        return d, Inputs(currents=fed((population, now) for population in self.populations))

    def status(self):
        return self.rows.bad


def _populations(drive: Any, model: AbstractModel, **numbers: Array) -> tuple[Target, ...]:
    def find(name: str) -> tuple[str, int]:
        if name not in model.sizes:
            raise ValueError(f"Got a current into {name!r}, expected a population: {', '.join(model.sizes)}.")
        return name, model.sizes[name]

    found = targets(drive.into, drive.index, find)
    for target in found:
        for part, value in numbers.items():
            target.fits(f"{type(drive).__name__}.{part}", value)
    return found


class _Currents(AbstractDrive):
    mean: Float[Array, "..."]
    sd: Float[Array, "..."] | None
    window: Window
    populations: tuple[Target, ...] = eqx.field(static=True)
    every: int = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        parts, on = [], self.window.holds(t)
        for target in self.populations:
            current = jnp.broadcast_to(self.mean, (target.count,))
            if self.sd is not None:
                stream = _random.stream(key, f"{target.path}.current")
                current = current + self.sd * _random.normal(stream, t // self.every, target.ids)
            parts.append((target, jnp.where(on, current, 0.0)))
        return d, Inputs(currents=fed(parts))

    def status(self):
        return self.window.status()
