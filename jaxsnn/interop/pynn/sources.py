"""PyNN's standard cells that send given or random spikes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from pyNN.errors import InvalidParameterValueError
from pyNN.standardmodels import build_translations, cells

from ...networks.population import SpikeSource
from ...simulation.drives.generator import SpikeGenerator
from ...simulation.drives.trains import Poisson
from .building import one_or_all, selected
from .cells import Cell, Numbers, steps_of
from .renewal import Renewal

_SAME = (("start", "start"), ("duration", "duration"))
_FOREVER = 1e9  # ms: PyNN's default for a duration is 1e10


class _Source(Cell):
    """Cells that fire when they are told to."""

    ports: ClassVar[dict[str, str]] = {}
    variables: ClassVar[dict[str, tuple[str, float]]] = {}

    def made(self, n, parameters, start):
        return SpikeSource(n)


class SpikeSourceArray(_Source, cells.SpikeSourceArray):
    """PyNN's source of given spikes: one at `t` is stamped with the end of the step in which `t` lies."""

    translations = build_translations(("spike_times", "spike_times"))

    def check(self, parameters):
        for train in parameters["spike_times"]:
            times = np.asarray(getattr(train, "value", train), float)
            if times.ndim != 1 or np.any(np.isnan(times)):
                raise InvalidParameterValueError("SpikeSourceArray got spike times that are no list of numbers of ms.")
            if times.size and np.any(np.diff(times) < 0.0):
                raise InvalidParameterValueError("Spike times given to SpikeSourceArray must be in increasing order")

    def sent(self, parameters, name, dt, first, last):
        trains = [steps_of(each.value, dt) for each in parameters["spike_times"]]
        indices = np.repeat(np.arange(len(trains)), [train.size for train in trains])
        at = np.concatenate([np.zeros(0, np.int64), *trains])
        if np.any(at < 0):
            raise ValueError(f"Population {name!r}: got a spike at 0 ms or before; expected times after 0, as in NEST.")
        due = (at >= first) & (at < (math.inf if last is None else last))
        indices, times = np.append(indices[due], 0), np.append(at[due] * dt, np.inf)  # the last: none is none, too
        return [SpikeGenerator(indices, times, into=name, start=0.0)]


class SpikeSourcePoisson(_Source, cells.SpikeSourcePoisson):
    """PyNN's source of Poisson trains of `rate` Hz from `start` on, for `duration` ms."""

    translations = build_translations(*_SAME, ("rate", "rate"))

    def sent(self, parameters, name, dt, first, last):
        found: list[Any] = []
        for begin, end, chosen, into, index in _windows(parameters, name, dt):
            rate = one_or_all(parameters["rate"][chosen])
            found.append(Poisson(rate, into=into, index=index, start=begin, stop=end))
        return found


def _windows(parameters: Numbers, name: str, dt: float) -> Iterator[tuple[float, float, np.ndarray, str, Any]]:
    """Start and stop on the grid, ms, and the cells that have them: as numbers, and as a drive names them."""
    start = np.rint(parameters["start"] / dt) * dt
    stop = parameters["start"] + parameters["duration"]
    stop = np.where(stop >= _FOREVER, np.inf, np.rint(np.minimum(stop, _FOREVER) / dt) * dt)
    for begin, end in sorted({*zip(start.tolist(), stop.tolist())}):
        chosen = np.flatnonzero((start == begin) & (stop == end))
        yield begin, end, chosen, *selected(name, chosen, len(start))


class _Renewal(_Source):
    """Cells whose intervals are independent."""

    def intervals(self, p: Numbers) -> tuple[Any, Any, Any]:
        """Shape and rate, 1/ms, of gamma distributed intervals, and a dead time before, ms."""
        raise NotImplementedError

    def sent(self, parameters, name, dt, first, last):
        return [
            Renewal(*self.intervals({x: one_or_all(v[chosen]) for x, v in parameters.items()}), n=len(chosen),
                    into=into, index=index, start=begin, stop=end)
            for begin, end, chosen, into, index in _windows(parameters, name, dt)
        ]  # fmt: skip


class SpikeSourceGamma(_Renewal, cells.SpikeSourceGamma):
    """PyNN's source of intervals from a gamma distribution of shape `alpha` and rate `beta` Hz."""

    translations = build_translations(*_SAME, ("alpha", "alpha"), ("beta", "beta"))

    def intervals(self, p):
        return p["alpha"], 1e-3 * p["beta"], 0.0


class SpikeSourcePoissonRefractory(_Renewal, cells.SpikeSourcePoissonRefractory):
    """PyNN's source of a dead time `tau_refrac` and exponential intervals, `rate` Hz in the mean."""

    translations = build_translations(*_SAME, ("rate", "rate"), ("tau_refrac", "tau_refrac"))

    def check(self, parameters):
        if np.any(parameters["rate"] * parameters["tau_refrac"] >= 1e3):
            raise ValueError(
                "SpikeSourcePoissonRefractory got a rate of 1 / tau_refrac or more; expected a lower rate, in Hz."
            )

    def intervals(self, p):
        return 1.0, 1.0 / (1e3 / p["rate"] - p["tau_refrac"]), p["tau_refrac"]
