"""Drives that deliver spikes: Poisson trains, and what was recorded elsewhere."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .. import _random
from .._status import Status, bit
from .._types import as_number, check, param
from ..dynamics import Inputs
from .drive import AbstractDrive, acts, names, negative


class Poisson(AbstractDrive):
    """Independent Poisson trains into every neuron, of any rate: the sum of many sources is one of the summed rate.

    In every step a neuron's port receives `weight * count`, `count ~ Poisson(rate dt)`.

    **Arguments:** `rate`: Hz, shape `()` or `(n,)`. `weight`: in the port's unit, likewise. `into`: a port or several.
    `start`, `stop`: when it acts, ms. `most`: static, the largest mean per step that there is room for (default 80).
    """

    rate: Array = param(unit="Hz", least=0.0)
    weight: Array = param(1.0, unit="port")
    into: tuple[str, ...] = eqx.field(converter=names, static=True, kw_only=True)
    start: Array = param(0.0, unit="ms", kw_only=True)
    stop: Array = param(math.inf, unit="ms", kw_only=True)
    most: float | None = eqx.field(default=None, static=True, kw_only=True)

    axes: ClassVar = {"rate": 1, "weight": 1}

    @property
    def reacts(self):
        return False

    def unsupported(self, dynamics):
        return next((why for path in self.into if (why := negative("Poisson", path, dynamics, self.weight))), None)

    def prepare(self, dynamics, first):
        ports = tuple(dynamics.port(path) for path in self.into)
        for path, n in ports:
            for part, value in (("rate", self.rate), ("weight", self.weight)):
                if value.shape not in ((), (n,)):
                    raise ValueError(f"Poisson.{part} has shape {value.shape}, expected () or ({n},) for {path!r}.")
        table = _random.PoissonTable(self.rate * (dynamics.dt * 1e-3), self.most)
        return _PoissonTrains(table, self.weight, self.start, self.stop, ports, dynamics.dt)


class _PoissonTrains(AbstractDrive):
    table: _random.PoissonTable
    weight: Array
    start: Array
    stop: Array
    ports: tuple[tuple[str, int], ...] = eqx.field(static=True)
    dt: float = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        arrivals = {}
        weight = jnp.where(acts(t, self.dt, self.start, self.stop), self.weight, 0.0)
        for path, n in self.ports:
            stream = _random.stream(key, f"{path}.poisson")
            counts = _random.poisson(self.table, stream, t, jnp.arange(n, dtype=jnp.uint32))
            arrivals[path] = weight * counts.astype(weight.dtype)
        return d, Inputs(arrivals=arrivals)

    def status(self):
        return bit(Status.RATE_RANGE, ~self.table.valid)


class Replay(AbstractDrive):
    """Plays back what is given: row `t` of a raster arrives in step `t`; nothing before step 0 or after the last row.

    **Arguments:** `raster`: shape `(steps, n)`, any number type, amplitudes (0 and 1 for spikes). `into`: a port (of a
    `Source`: these are its spikes). `weight`: what an amplitude of one is worth, in the port's unit, `()` or `(n,)`.
    A raster of shape `(examples, steps, n)` is a batch for an estimator.

    `Replay.events(step, neuron, steps=, n=, into=)` takes a list of events instead.
    """

    raster: Array
    into: str = eqx.field(static=True, kw_only=True)
    weight: Array = param(1.0, unit="port", kw_only=True)

    axes: ClassVar = {"raster": 2, "weight": 1}

    @property
    def reacts(self):
        return False

    def __check_init__(self):
        if not eqx.is_array(self.raster) or self.raster.ndim not in (2, 3):
            raise ValueError(
                f"Replay.raster is {_shape(self.raster)}, expected an array of shape (steps, n), "
                "or (examples, steps, n) for a batch."
            )

    @property
    def steps(self):
        return self.raster.shape[-2]

    @classmethod
    def events(cls, step: Any, neuron: Any, *, steps: int, n: int, into: str, weight: Any = 1.0) -> Replay:
        """From events: `neuron[i]` receives one in step `step[i]`; several in one step add up."""
        step, neuron = jnp.asarray(step, jnp.int32), jnp.asarray(neuron, jnp.int32)
        if step.shape != neuron.shape or step.ndim != 1:
            raise ValueError(f"Got steps of shape {step.shape} and neurons of {neuron.shape}, expected equal lists.")
        check(
            lambda: (step >= 0) & (step < steps) & (neuron >= 0) & (neuron < n),
            f"Replay.events has an event outside steps 0 .. {steps - 1} or neurons 0 .. {n - 1}; enlarge them.",
        )
        return cls(jnp.zeros((steps, n), as_number(0).dtype).at[step, neuron].add(1), into=into, weight=weight)

    def unsupported(self, dynamics):
        return negative("Replay", self.into, dynamics, self.raster, self.weight)

    def prepare(self, dynamics, first):
        path, n = dynamics.port(self.into)
        if self.raster.ndim != 2:
            raise ValueError(
                f"Replay.raster has shape {self.raster.shape}: a batch of examples. `simulate` runs one, of shape "
                f"(steps, {n}); give the batch to an estimator or to `evaluate`, or map over it with `jax.vmap`."
            )
        if self.raster.shape[1] != n:
            hint = "; did you swap time and neurons?" if self.raster.shape[0] == n else ""
            raise ValueError(f"Replay.raster has shape {self.raster.shape}, expected (steps, {n}) for {path!r}{hint}")
        return Replay(self.raster, into=path, weight=self.weight)

    def step(self, d, t, signals, *, key):
        row = self.raster.at[t].get(mode="fill", fill_value=0)  # out of range: nothing
        row = jnp.where(t >= 0, row.astype(self.weight.dtype), 0)
        return d, Inputs(arrivals={self.into: self.weight * row})


def _shape(x: Any) -> str:
    return f"of shape {x.shape}" if hasattr(x, "shape") else repr(x)
