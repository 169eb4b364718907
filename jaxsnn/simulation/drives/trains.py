"""Drives that deliver spikes: Poisson trains and recorded rasters."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from ... import _random
from ..._bits import Bits, unpack
from ..._select import Chosen
from ..._status import Status, bit
from ..._time import instant
from ..._types import OptionalParam, Param, as_number, check, no_flag, param
from ...models import Inputs
from ..probes.events import PackedRaster
from .base import FEWEST, AbstractDrive, finite, keys_of_terms, negative
from .generator import SpikeGenerator
from .target import Target, fed, index, names, one_name, targets
from .varying import MOST, OfTime, Varying
from .when import Rows, Window, check_bin, check_rows, check_window


def _rate(value: Any) -> Any:
    if callable(value):
        return value if isinstance(value, eqx.Module) else OfTime(value)
    return as_number(no_flag(value))


class Poisson(AbstractDrive):
    """Independent Poisson trains into every neuron, of any rate: many sources are one source of the summed rate.

    NEST: `poisson_generator`; Brian2: `PoissonInput`, `PoissonGroup`; PyNN: `SpikeSourcePoisson`.

    In every step a neuron's port receives `weight * count`, `count ~ Poisson(rate dt)`.

    A rate that changes over time is an array with a leading axis of time, each row held for `bin` ms, or a function of
    the time in ms. Either is one program, without a table for each row.

    **Arguments:**

    - `rate`: Hz, shape `()` or `(n,)`; with `bin`: `(bins,)` or `(bins, n)`, and 0 after the last bin; or a function
      that returns `()` or `(n,)` for the time in ms at which a step begins.
    - `weight`: in the port's unit, `()` or `(n,)`.
    - `into`: a port or several, `"E"`, `"E.exc"`, `"E[0:10]"`. `index`: which neurons of each, as in probes.
    - `start`, `stop`: ms, absolute; by default from the start of the model, without end. Bins count from `start`, or
      from the start of the run.
    - `bin`: ms, static; None for a rate that does not change.
    - `most`: static, the largest mean per step that can be drawn (default 80).
    """

    rate: Any = eqx.field(converter=_rate, metadata={"unit": "Hz"})
    weight: Param = param(1.0, unit="port")
    into: tuple[str, ...] = eqx.field(converter=names, static=True, kw_only=True)
    index: Chosen = index()
    start: OptionalParam = instant(None, optional=True, kw_only=True)
    stop: Param = instant(math.inf, never=True, kw_only=True)
    bin: float | None = eqx.field(default=None, static=True, kw_only=True)
    most: float | None = eqx.field(default=None, static=True, kw_only=True)

    def __check_init__(self):
        check_window(self)
        check_bin(self.bin, "Poisson.bin")
        if self.most is not None and not (isinstance(self.most, (int, float)) and 0 < self.most < math.inf):
            raise ValueError(f"Poisson.most is {self.most!r}, expected a positive number of events a step.")
        if callable(self.rate):
            if self.bin is not None:
                raise ValueError("Poisson.rate is a function, which has no bins; leave `bin` out.")
            return
        finite("Poisson.rate", self.rate)
        check(lambda: self.rate >= 0, f"Poisson.rate is {self.rate} Hz; expected at least 0 (and no NaN).")
        if self.bin is not None and (self.rate.ndim not in (1, 2, 3) or 0 in self.rate.shape):
            raise ValueError(
                f"Poisson.rate has shape {self.rate.shape}, expected (bins,) or (bins, n) with bin={self.bin}."
            )

    @property
    def closed_loop(self):
        return False

    def unsupported(self, model):
        return next((why for path in self.into if (why := negative("Poisson", path, model, self.weight))), None)

    @property
    def ranks(self):
        return {"rate": 1 if self.bin is None else 2, "weight": 1}

    def check(self, model, first):
        if self.bin is not None:
            check_rows(self, len(self.rate), model.dt, first, self.bin)

    def prepare(self, model, first):
        fed_into = targets(self.into, self.index, model.port)
        for target in fed_into:
            target.fits("Poisson.weight", self.weight)
            if not callable(self.rate):
                target.fits("Poisson.rate", self.rate if self.bin is None else self.rate[0])
        window, rate = Window.of(self.start, self.stop, model.dt), self.rate
        if self.bin is None and isinstance(rate, Array):
            table = _random.PoissonTable(rate * (model.dt * 1e-3), self.most)
            return _PoissonTrains(table, self.weight, window, fed_into)
        most = MOST if self.most is None else float(self.most)
        if most > MOST:
            raise ValueError(
                f"Poisson.most is {most:g}, expected at most {MOST:g} where the rate changes; add drives up."
            )
        means, bad = None, jnp.zeros((), bool)
        if isinstance(rate, Array):
            mean, rate = rate * (model.dt * 1e-3), None
            bad = jnp.any(~((mean >= 0) & (mean <= most)))
            means = Rows.of(mean, self.start, self.bin, model.dt, first)
        return Varying(means, rate, self.weight, window, bad, fed_into, model.dt, most)


class _PoissonTrains(AbstractDrive):
    table: _random.PoissonTable
    weight: Array
    window: Window
    targets: tuple[Target, ...] = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        weight = jnp.where(self.window.holds(t), self.weight, 0.0)
        streams = [_random.stream(key, f"{target.path}.poisson") for target in self.targets]
        counts = _random.poisson_of_several(self.table, streams, t, [target.ids for target in self.targets])
        parts = [(x, weight * own.astype(weight.dtype)) for x, own in zip(self.targets, counts, strict=True)]
        return d, Inputs(arrivals=fed(parts))

    def status(self):
        return bit(Status.RATE_RANGE, ~self.table.valid) | self.window.status()

    @classmethod
    def together(cls, drives):
        """Those with one rate each for whole populations; of others a loop over blocks of neurons has no use."""
        alike = {
            i: drive
            for i, drive in drives.items()
            if drive.table.thresholds.first.ndim == 0 and all(target.chosen is None for target in drive.targets)
        }
        if len(alike) < FEWEST:
            return None, drives
        each = tuple((i, drive.weight, drive.window, drive.targets) for i, drive in alike.items())
        tables = [drive.table for drive in alike.values() for _ in drive.targets]
        whole = _ManyPoissonTrains(
            _random.PoissonTables.of(tables),
            tuple(weight for _, weight, _, _ in each),
            tuple(window for _, _, window, _ in each),
            tuple((i, targets) for i, _, _, targets in each),
        )
        return whole, {i: drive for i, drive in drives.items() if i not in alike}


class _ManyPoissonTrains(AbstractDrive):
    """The trains of several terms of a sum, each with the random numbers that it has alone."""

    tables: _random.PoissonTables
    weights: tuple[Array, ...]
    windows: tuple[Window, ...]
    targets: tuple[tuple[int, tuple[Target, ...]], ...] = eqx.field(static=True)  # by the place of the term in the sum

    def step(self, d, t, signals, *, key):
        fed_into = [(i, target) for i, some in self.targets for target in some]
        keys = keys_of_terms(key, [i for i, _ in fed_into])
        streams = _random.streams(keys, [f"{target.path}.poisson" for _, target in fed_into])
        sizes = tuple(target.n for _, target in fed_into)
        counts, parts = iter(self.tables.counts(streams, t, sizes)), []
        for weight, window, (_, some) in zip(self.weights, self.windows, self.targets, strict=True):
            weight = jnp.where(window.holds(t), weight, 0.0)
            parts += [(target, weight * next(counts).astype(weight.dtype)) for target in some]
        return d, Inputs(arrivals=fed(parts))

    def status(self):
        found = bit(Status.RATE_RANGE, ~self.tables.valid)
        for window in self.windows:
            found |= window.status()
        return found


def _bits_of(raster: Any) -> Any:
    """A bit-packed record as its bits, which say nothing of the run that it is of."""
    return Bits(raster.words, raster.n) if isinstance(raster, PackedRaster) else raster


class Replay(AbstractDrive):
    """Plays back a raster: row `k` arrives in the `k`-th step of the run; nothing after the last row.

    **Arguments:** `raster`: shape `(steps, n)`, any number type, amplitudes (0 and 1 for spikes); or a bit-packed
    `PackedRaster`, from `data.to_raster` or of an earlier run, which stays packed. `into`: a port (of a
    `SpikeSource`: these are its spikes), `"E[0:10]"` for some of its neurons, or `index=`. `weight`: of an amplitude of
    one, in the port's unit, `()` or `(n,)`. `start`: ms, absolute, when row 0 arrives; by default the
    start of the run, so that the next input can be given to a continued run. With `start=`, a raster that has ended
    before the run starts is an error. A raster of shape `(examples, steps, n)` is a batch for an estimator.

    Sparse spikes cost less as a list: `SpikeGenerator(indices, times, into=)`, or
    `Replay.events(step, neuron, steps=, n=, into=)` where they are given in steps.
    """

    raster: Any = eqx.field(converter=_bits_of)
    into: str = eqx.field(static=True, kw_only=True)
    weight: Param = param(1.0, unit="port", kw_only=True)
    start: OptionalParam = instant(None, optional=True, kw_only=True)
    index: Chosen = index()

    axes: ClassVar = {"raster": 2, "weight": 1}

    @property
    def closed_loop(self):
        return False

    def __check_init__(self):
        wanted = "an array of shape (steps, n), or (examples, steps, n) for a batch"
        known = eqx.is_array(self.raster) or isinstance(self.raster, Bits)
        if not known or self.raster.ndim not in (2, 3) or 0 in self.raster.shape:
            raise ValueError(f"Replay.raster is {_shape(self.raster)}, expected {wanted}.")
        if not (jnp.issubdtype(self.raster.dtype, jnp.number) or self.raster.dtype == bool) or jnp.iscomplexobj(
            self.raster
        ):
            raise ValueError(f"Replay.raster is of type {self.raster.dtype}, expected real numbers or booleans.")
        one_name(self.into, "Replay")
        finite("Replay.raster", self.raster)

    @property
    def steps(self):
        return self.raster.shape[-2]

    @classmethod
    def events(
        cls, step: Any, neuron: Any, *, steps: int, n: int, into: str, weight: Any = 1.0, start: Any = None
    ) -> SpikeGenerator:
        """From events: `neuron[i]` receives one in step `step[i]` of the run; several in one step add up.

        Steps are whole numbers up to rounding (0.3 / 0.1); anything else is an error, and so is an event outside
        `steps` and `n`. The events are kept as a list; `.raster` is the dense form.
        """
        return SpikeGenerator.from_steps(neuron, step, steps=steps, n=n, into=into, weight=weight, start=start)

    def check(self, model, first):
        if self.raster.ndim == 2:
            check_rows(self, self.steps, model.dt, first)

    def unsupported(self, model):
        packed = isinstance(self.raster, Bits)  # ones
        return negative("Replay", self.into, model, *([] if packed else [self.raster]), self.weight)

    def prepare(self, model, first):
        (target,) = targets((self.into,), self.index, model.port)
        if self.raster.ndim != 2:
            raise ValueError(
                f"Replay.raster has shape {self.raster.shape}: a batch of examples. `simulate` runs one, of shape "
                f"(steps, {target.count}); give the batch to an estimator or to `evaluate`, or map over it with "
                "`jax.vmap`."
            )
        if self.raster.shape[1] != target.count:
            hint = "; did you swap time and neurons?" if self.raster.shape[0] == target.count else ""
            raise ValueError(
                f"Replay.raster has shape {self.raster.shape}, expected (steps, {target.count}) for {target}{hint}"
            )
        target.fits("Replay.weight", self.weight)
        values, n = (self.raster.words, self.raster.n) if isinstance(self.raster, Bits) else (self.raster, None)
        return _Played(Rows.of(values, self.start, None, model.dt, first), self.weight, target, n)


class _Played(AbstractDrive):
    """The prepared drive."""

    rows: Rows
    weight: Array
    target: Target = eqx.field(static=True)
    n: int | None = eqx.field(static=True)  # of rows that are bits

    def step(self, d, t, signals, *, key):
        row = self.rows.at(t)
        row = row if self.n is None else unpack(row, self.n)
        return d, Inputs(arrivals=fed([(self.target, self.weight * row.astype(self.weight.dtype))]))

    def status(self):
        return self.rows.bad


def _shape(x: Any) -> str:
    return f"of shape {x.shape}" if hasattr(x, "shape") else repr(x)
