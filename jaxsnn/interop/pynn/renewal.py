"""A drive of renewal processes, for PyNN's sources that have a dead time or regular intervals."""

from __future__ import annotations

import math

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import gammaincc
from jaxtyping import Array

from ... import _random
from ..._select import Chosen
from ..._time import instant
from ..._types import Param, canonical_float, param
from ...models import Inputs
from ...simulation.drives.base import AbstractDrive
from ...simulation.drives.target import Target, fed, index, targets
from ...simulation.drives.when import Window, check_window


class Renewal(AbstractDrive):
    """Spikes whose intervals are a dead time and a gamma distributed time: `S(x) = Q(shape, rate (x - dead))`.

    A spike lies in the middle of its step. In a step that begins `x` after the last one, or after `start`, the next
    comes with the probability `1 - S(x + dt) / S(x)`. PyNN: `SpikeSourceGamma`, `SpikeSourcePoissonRefractory`.

    **Arguments:** `shape`: 1 for exponential times. `rate`: 1/ms, of the gamma distribution. `dead`: ms. `()` or
    `(n,)`. `n`: how many neurons it feeds, static. `into`: a `SpikeSource`. `index`: which of its neurons, as in
    probes. `start`, `stop`: ms, absolute.
    """

    shape: Param = param(unit="1", gt=0.0)
    rate: Param = param(unit="1/ms", gt=0.0)
    dead: Param = param(unit="ms", ge=0.0)
    n: int = eqx.field(static=True, kw_only=True)
    into: str = eqx.field(static=True, kw_only=True)
    index: Chosen = index()
    start: Param = instant(0.0, kw_only=True)
    stop: Param = instant(math.inf, never=True, kw_only=True)

    @property
    def closed_loop(self):
        return False

    def __check_init__(self):
        check_window(self)

    def init(self, *, key):
        return jnp.zeros(self.n, jnp.int32)  # steps since the last spike

    def prepare(self, model, first):
        target = targets((self.into,), self.index, model.port)
        window = Window.of(self.start, self.stop, model.dt)
        return _Renewal(self.shape, self.rate, self.dead, window, model.dt, target)


class _Renewal(AbstractDrive):
    shape: Array
    rate: Array
    dead: Array
    window: Window
    dt: float = eqx.field(static=True)
    targets: tuple[Target, ...] = eqx.field(static=True)

    def survival(self, steps: Array) -> Array:
        """The probability that an interval is longer than so many steps and the half that is left of the first."""
        age = (steps.astype(self.rate.dtype) + 0.5) * self.dt
        return gammaincc(self.shape, self.rate * jnp.maximum(age - self.dead, 0.0))

    def step(self, d, t, signals, *, key):
        (target,), on = self.targets, self.window.holds(t)
        chance = _random.uniform(_random.stream(key, f"{target.path}.renewal"), t, target.ids)
        fires = (chance * self.survival(d) >= self.survival(d + 1)) & on
        age = jnp.where(fires | ~on, 0, d + 1)
        return age, Inputs(arrivals=fed([(target, fires.astype(canonical_float()))]))

    def status(self):
        return self.window.status()
