"""Drives that inject currents: constant or noisy."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _random
from .._types import as_number, check, param
from ..dynamics import AbstractDynamics, Inputs
from .drive import AbstractDrive, Window


class Step(AbstractDrive):
    """A constant current between `start` and `stop` (ms) into a population, in the unit its neurons' `gain` expects.

    It acts in the steps that begin at `start` or later and before `stop`.
    """

    amplitude: Array = param(unit="current")
    into: str | tuple[str, ...] = eqx.field(static=True, kw_only=True)
    window: Window

    def __init__(self, amplitude: Any, *, into: Any, start: Any = 0.0, stop: Any = jnp.inf):
        self.amplitude = as_number(amplitude)
        self.into = into if isinstance(into, str) else tuple(into)
        self.window = Window(start, stop)

    def prepare(self, dynamics):
        return _Currents(self.amplitude, None, self.window, _populations(self.into, dynamics), dynamics.dt, 1)


class Noise(AbstractDrive):
    """White noise current: in every `every` steps each neuron gets an independent normal current, held in between.

    **Arguments:** `sd`, `mean`: of the current, shape `()` or `(n,)`. `into`: populations. `every`: steps, static.
    """

    sd: Array = param(unit="current")
    mean: Array = param(0.0, unit="current")
    into: str | tuple[str, ...] = eqx.field(static=True, kw_only=True)
    window: Window
    every: int = eqx.field(static=True)

    def __init__(
        self, sd: Any, mean: Any = 0.0, *, into: Any, start: Any = 0.0, stop: Any = jnp.inf, every: int = 1
    ):
        self.sd, self.mean = as_number(sd), as_number(mean)
        self.into = into if isinstance(into, str) else tuple(into)
        self.window = Window(start, stop)
        self.every = every
        check(lambda: self.sd >= 0, f"Noise.sd is {sd}, expected numbers of 0 or more")

    def prepare(self, dynamics):
        return _Currents(self.mean, self.sd, self.window, _populations(self.into, dynamics), dynamics.dt, self.every)


def _populations(into: Any, dynamics: AbstractDynamics) -> tuple[tuple[str, int], ...]:
    names = [into] if isinstance(into, str) else into
    for name in names:
        if name not in dynamics.sizes:
            raise ValueError(f"Got {name!r}, expected a population: {', '.join(dynamics.sizes)}.")
    return tuple((name, dynamics.sizes[name]) for name in names)


class _Currents(AbstractDrive):
    mean: Float[Array, "..."]
    sd: Float[Array, "..."] | None
    window: Window
    populations: tuple[tuple[str, int], ...] = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    every: int = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        currents, on = {}, self.window.open(t, self.dt)
        for name, n in self.populations:
            current = jnp.broadcast_to(self.mean, (n,))
            if self.sd is not None:
                stream = _random.stream(key, f"{name}.current")
                current = current + self.sd * _random.normal(stream, t // self.every, jnp.arange(n, dtype=jnp.uint32))
            currents[name] = jnp.where(on, current, 0.0)
        return d, Inputs(currents=currents)
