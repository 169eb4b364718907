"""Drives for PyNN's current sources that change over time: levels, a sine, a noise that can be told again."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ... import _random
from ..._select import Chosen
from ..._time import instant
from ..._types import Param, param
from ...models import Inputs
from ...simulation.drives.base import AbstractDrive
from ...simulation.drives.target import Target, fed, index, targets
from ...simulation.drives.when import Window, check_window


class _Wave(AbstractDrive):
    """A current into a population, `into`, or some of its neurons, `index`."""

    into: eqx.AbstractVar[str]
    index: eqx.AbstractVar[Any]

    @property
    def closed_loop(self):
        return False

    def _targets(self, model: Any) -> tuple[Target, ...]:
        return targets((self.into,), self.index, lambda name: (name, model.sizes[name]))


class Levels(_Wave):
    """A current that is `levels[i]` from step `at[i]` to the next, and 0 before the first. PyNN: `StepCurrentSource`.

    **Arguments:** `levels`: pA, shape `(k,)`. `at`: steps in increasing order, `(k,)`. `into`: a population. `index`:
    which of its neurons, as in probes.
    """

    levels: Param = param(unit="current")
    at: Int[Array, " k"] = eqx.field(converter=lambda x: jnp.asarray(x, jnp.int32), kw_only=True)
    into: str = eqx.field(static=True, kw_only=True)
    index: Chosen = index()

    def prepare(self, model, first):
        return _Levels(self.levels, self.at, self._targets(model))


class _Levels(AbstractDrive):
    levels: Float[Array, " k"]
    at: Int[Array, " k"]
    targets: tuple[Target, ...] = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        i = jnp.searchsorted(self.at, t, side="right") - 1
        current = jnp.where(i >= 0, self.levels[jnp.maximum(i, 0)], 0.0)
        return d, Inputs(currents=fed((target, current) for target in self.targets))


class Sine(_Wave):
    """`offset + amplitude sin(2 pi f (t - start) + phase)` between `start` and `stop`, at the begin of each step.

    PyNN: `ACSource`. **Arguments:** `amplitude`, `offset`: pA. `frequency`: Hz. `phase`: degrees. `start`, `stop`: ms.
    `into`: a population. `index`: which of its neurons, as in probes.
    """

    amplitude: Param = param(unit="current")
    offset: Param = param(unit="current")
    frequency: Param = param(unit="Hz")
    phase: Param = param(unit="1")
    into: str = eqx.field(static=True, kw_only=True)
    index: Chosen = index()
    start: Param = instant(0.0, kw_only=True)
    stop: Param = instant(math.inf, never=True, kw_only=True)

    def __check_init__(self):
        check_window(self)

    def prepare(self, model, first):
        window = Window.of(self.start, self.stop, model.dt)
        turn = 2e-3 * math.pi * model.dt * self.frequency
        return _Sine(self.amplitude, self.offset, turn, jnp.deg2rad(self.phase), window, self._targets(model))


class _Sine(AbstractDrive):
    amplitude: Array
    offset: Array
    turn: Array  # radians a step
    phase: Array
    window: Window
    targets: tuple[Target, ...] = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        since = (t - self.window.first).astype(self.turn.dtype)
        wave = self.offset + self.amplitude * jnp.sin(self.turn * since + self.phase)
        current = jnp.where(self.window.holds(t), wave, 0.0)
        return d, Inputs(currents=fed((target, current) for target in self.targets))

    def status(self):
        return self.window.status()


class Noise(_Wave):
    """Normal numbers of `mean` and `sd`, one for all cells, each held for `every` steps. PyNN: `NoisyCurrentSource`.

    Unlike those of `NoiseCurrent` they depend on `stream` and the step alone: what was injected can be told later.

    **Arguments:** `sd`, `mean`: pA. `stream`: of random numbers. `every`: steps, static. `start`, `stop`: ms. `into`: a
    population. `index`: which of its neurons, as in probes.
    """

    sd: Param = param(unit="current", ge=0.0)
    mean: Param = param(unit="current")
    stream: Array = eqx.field(kw_only=True)
    every: int = eqx.field(static=True, kw_only=True)
    into: str = eqx.field(static=True, kw_only=True)
    index: Chosen = index()
    start: Param = instant(0.0, kw_only=True)
    stop: Param = instant(math.inf, never=True, kw_only=True)

    def __check_init__(self):
        check_window(self)

    def prepare(self, model, first):
        window = Window.of(self.start, self.stop, model.dt)
        return _Noise(self.sd, self.mean, self.stream, window, self.every, self._targets(model))


class _Noise(AbstractDrive):
    sd: Array
    mean: Array
    stream: Array
    window: Window
    every: int = eqx.field(static=True)
    targets: tuple[Target, ...] = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        noise = self.mean + self.sd * _random.normal(self.stream, t // self.every, jnp.uint32(0))
        current = jnp.where(self.window.holds(t), noise, 0.0)
        return d, Inputs(currents=fed((target, current) for target in self.targets))

    def status(self):
        return self.window.status()
