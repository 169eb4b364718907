"""Drives that inject currents: constant or noisy."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _random
from .._types import param
from ..dynamics import AbstractDynamics, Inputs
from .drive import AbstractDrive, acts, names


class Step(AbstractDrive):
    """A constant current into populations between `start` and `stop`: in the steps that begin within.

    **Arguments:** `amplitude`: in the unit that the neurons' `gain` expects, shape `()` or `(n,)`. `into`: a population
    or several. `start`, `stop`: ms.
    """

    amplitude: Array = param(unit="current")
    into: tuple[str, ...] = eqx.field(converter=names, static=True, kw_only=True)
    start: Array = param(0.0, unit="ms", kw_only=True)
    stop: Array = param(math.inf, unit="ms", kw_only=True)

    axes: ClassVar = {"amplitude": 1}

    @property
    def reacts(self):
        return False

    def prepare(self, dynamics, first):
        populations = _populations(self.into, dynamics, amplitude=self.amplitude)
        return _Currents(self.amplitude, None, self.start, self.stop, populations, dynamics.dt, every=1)


class Noise(AbstractDrive):
    """White noise current: every neuron gets an independent normal current, drawn anew after `every` steps.

    **Arguments:** `sd`, `mean`: in the unit that the neurons' `gain` expects, shape `()` or `(n,)`. `into`: a
    population or several. `start`, `stop`: ms. `every`: steps for which a number is held, static.
    """

    sd: Array = param(unit="current", least=0.0)
    mean: Array = param(0.0, unit="current")
    into: tuple[str, ...] = eqx.field(converter=names, static=True, kw_only=True)
    start: Array = param(0.0, unit="ms", kw_only=True)
    stop: Array = param(math.inf, unit="ms", kw_only=True)
    every: int = eqx.field(default=1, static=True, kw_only=True)

    axes: ClassVar = {"sd": 1, "mean": 1}

    @property
    def reacts(self):
        return False

    def __check_init__(self):
        if self.every < 1:
            raise ValueError(f"Noise.every is {self.every}, expected a positive number of steps.")

    def prepare(self, dynamics, first):
        populations = _populations(self.into, dynamics, sd=self.sd, mean=self.mean)
        return _Currents(self.mean, self.sd, self.start, self.stop, populations, dynamics.dt, self.every)


class Waveform(AbstractDrive):
    """A current given for every step, such as a recorded one (Brian2's `TimedArray`); 0 after its end.

    **Arguments:** `values`: shape `(steps,)` for the same current into all, or `(steps, n)`, in the unit that the
    neurons' `gain` expects; row `k` acts in step `k`. `into`: a population or several.
    """

    values: Array = param(unit="current")
    into: tuple[str, ...] = eqx.field(converter=names, static=True, kw_only=True)

    def __check_init__(self):
        if self.values.ndim not in (1, 2) or len(self.values) == 0:
            raise ValueError(f"Waveform.values has shape {self.values.shape}, expected (steps,) or (steps, n).")

    def prepare(self, dynamics, first):
        _populations(self.into, dynamics, values=self.values[0])
        return self

    def step(self, d, t, signals, *, key):
        now = jnp.where(t < len(self.values), self.values[jnp.minimum(t, len(self.values) - 1)], 0.0)
        if now.ndim:
            return d, Inputs(currents=dict.fromkeys(self.into, now))
        return d, Inputs(currents={name: jnp.broadcast_to(now, signals.spikes[name].shape) for name in self.into})


def _populations(into: tuple[str, ...], dynamics: AbstractDynamics, **numbers: Array) -> tuple[tuple[str, int], ...]:
    for name in into:
        if name not in dynamics.sizes:
            raise ValueError(f"Got a current into {name!r}, expected a population: {', '.join(dynamics.sizes)}.")
        for part, value in numbers.items():
            if value.shape not in ((), (n := dynamics.sizes[name],)):
                raise ValueError(f"Got {part} of shape {value.shape}, expected () or ({n},) for {name!r}.")
    return tuple((name, dynamics.sizes[name]) for name in into)


class _Currents(AbstractDrive):
    mean: Float[Array, "..."]
    sd: Float[Array, "..."] | None
    start: Array
    stop: Array
    populations: tuple[tuple[str, int], ...] = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    every: int = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        currents, on = {}, acts(t, self.dt, self.start, self.stop)
        for name, n in self.populations:
            current = jnp.broadcast_to(self.mean, (n,))
            if self.sd is not None:
                stream = _random.stream(key, f"{name}.current")
                current = current + self.sd * _random.normal(stream, t // self.every, jnp.arange(n, dtype=jnp.uint32))
            currents[name] = jnp.where(on, current, 0.0)
        return d, Inputs(currents=currents)
