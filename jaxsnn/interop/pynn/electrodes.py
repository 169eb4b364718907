"""PyNN's current sources: constant, stepped, sinusoidal and noisy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import jax
import numpy as np
from pyNN.common import Assembly, Population, PopulationView
from pyNN.errors import InvalidParameterValueError
from pyNN.parameters import ParameterSpace, Sequence
from pyNN.standardmodels import StandardCurrentSource, build_translations, electrodes

from ... import _random
from ...simulation.drives.currents import StepCurrent
from . import simulator
from .building import selected
from .waves import Levels, Noise, Sine

_FOREVER = 1e9  # ms: PyNN's default for `stop` is 1e12


class _Source(StandardCurrentSource):
    """A current that is injected into cells."""

    own: ClassVar[set[str]] = {"cells", "numbers", "recorded", "parameter_space"}

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.cells: list[tuple[Any, np.ndarray]] = []
        self.numbers: dict[str, Any] = {}
        self.recorded: int | None = None
        self.parameter_space.shape = (1,)
        self.set_native_parameters(self.translate(self.parameter_space))
        simulator.state.sources.append(self)

    def set_native_parameters(self, parameters: ParameterSpace) -> None:
        parameters.evaluate(simplify=True)
        for name, value in parameters.items():
            one = not isinstance(value, Sequence)
            self.numbers[name] = found = np.asarray(value if one else value.value, float)
            if found.ndim != (0 if one else 1):
                expected = "one number" if one else "a list of numbers"
                raise InvalidParameterValueError(
                    f"{type(self).__name__} got {name} of shape {found.shape}, expected {expected}."
                )
            if np.any(np.isnan(found)) or (name == "start" and not np.isfinite(found)):
                raise InvalidParameterValueError(
                    f"{type(self).__name__} got {name} = {found}, expected finite numbers."
                )
        self.check()

    def get_native_parameters(self) -> ParameterSpace:
        return ParameterSpace(dict(self.numbers))

    def check(self) -> None:
        """Raises ValueError for numbers that no such current has."""

    def inject_into(self, cells: Any) -> None:
        """Inject the current into a population, a view, an assembly or a list of cells."""
        groups: list[Any]
        if not isinstance(cells, (Population, PopulationView, Assembly)):
            groups = [each.as_view() for each in (cells if isinstance(cells, Iterable) else [cells])]
        else:
            groups = list(cells.populations) if isinstance(cells, Assembly) else [cells]
        for each in groups:
            if not each.celltype.injectable:
                raise TypeError("Can't inject current into a spike source.")
        merged: dict[int, tuple[Any, list[int]]] = {id(root): (root, [*at]) for root, at in self.cells}
        for each in groups:
            merged.setdefault(id(each.root), (each.root, []))[1].extend(each.where.tolist())
        self.cells = [(root, np.array(sorted(at))) for root, at in merged.values()]

    def into(self, names: Mapping[int, str]) -> list[dict[str, Any]]:
        """Where a drive injects it: a population, and which of its cells; more than once for cells given twice."""
        found = []
        for root, cells in self.cells:
            while cells.size:
                once, first = np.unique(cells, return_index=True)
                name, index = selected(names[id(root)], once, root.size)
                found.append({"into": name, "index": index})
                cells = np.delete(cells, first)
        return found

    def fed(self, names: Mapping[int, str], dt: float) -> list[Any]:
        """The drives of this current."""
        raise NotImplementedError

    def at(self, steps: np.ndarray, dt: float) -> np.ndarray:
        """The current in some steps, pA."""
        raise NotImplementedError

    def window(self, dt: float) -> tuple[float, float]:
        """From when to when it flows, ms, on the grid."""
        start, stop = self.numbers["start"], self.numbers["stop"]
        begin = max(0.0, round(start / dt) * dt)
        return begin, max(begin, math.inf if stop >= _FOREVER else round(stop / dt) * dt)

    def record(self) -> None:
        """Record the current from now on."""
        self.recorded = simulator.state.step

    def _get_data(self) -> tuple[np.ndarray, np.ndarray]:
        dt = simulator.state.dt
        steps = np.arange(self.recorded or 0, simulator.state.step + 1)
        return np.round(steps * dt, 9), self.at(steps, dt) * 1e-3


class DCSource(_Source, electrodes.DCSource):
    """PyNN's constant current, nA, in the steps that begin between `start` and `stop`, ms."""

    translations = build_translations(("amplitude", "amplitude", 1e3), ("start", "start"), ("stop", "stop"))

    def fed(self, names, dt):
        begin, end = self.window(dt)
        return [StepCurrent(self.numbers["amplitude"], start=begin, stop=end, **x) for x in self.into(names)]

    def at(self, steps, dt):
        begin, end = self.window(dt)
        return np.where((steps >= round(begin / dt)) & (steps * dt < end - dt / 2), self.numbers["amplitude"], 0.0)


class StepCurrentSource(_Source, electrodes.StepCurrentSource):
    """PyNN's current that is `amplitudes[i]`, nA, from `times[i]`, ms, on."""

    translations = build_translations(("amplitudes", "amplitudes", 1e3), ("times", "times"))

    def check(self):
        times, amplitudes = self.numbers["times"], self.numbers["amplitudes"]
        if times.size != amplitudes.size:
            raise ValueError(
                f"StepCurrentSource got {times.size} times and {amplitudes.size} amplitudes, expected as many."
            )
        if times.size and times.min() < 0.0:
            raise ValueError("Step current cannot accept negative timestamps.")
        if np.any(np.diff(times) <= 0.0):
            raise ValueError("Step current timestamps should be monotonically increasing.")
        at = np.rint(times / (dt := simulator.state.dt))
        last = np.append(np.diff(at) > 0, True)[: at.size]  # of several in one step the last counts
        self.numbers.update(times=at[last] * dt, amplitudes=amplitudes[last])

    def _levels(self, dt: float) -> tuple[np.ndarray, np.ndarray]:
        return np.rint(self.numbers["times"] / dt).astype(np.int32), self.numbers["amplitudes"]

    def fed(self, names, dt):
        at, levels = self._levels(dt)
        return [Levels(levels, at=at, **x) for x in self.into(names)] if at.size else []

    def at(self, steps, dt):
        at, levels = self._levels(dt)
        return np.append(0.0, levels)[np.searchsorted(at, steps, side="right")]


class ACSource(_Source, electrodes.ACSource):
    """PyNN's sinusoidal current, nA, between `start` and `stop`, ms."""

    translations = build_translations(
        ("amplitude", "amplitude", 1e3), ("start", "start"), ("stop", "stop"), ("frequency", "frequency"),
        ("offset", "offset", 1e3), ("phase", "phase"),
    )  # fmt: skip

    def fed(self, names, dt):
        begin, end = self.window(dt)
        wave = [self.numbers[name] for name in ("amplitude", "offset", "frequency", "phase")]
        return [Sine(*wave, start=begin, stop=end, **x) for x in self.into(names)]

    def at(self, steps, dt):
        (begin, end), p = self.window(dt), self.numbers
        angle = 2e-3 * np.pi * p["frequency"] * (steps * dt - begin) + np.deg2rad(p["phase"])
        on = (steps >= round(begin / dt)) & (steps * dt < end - dt / 2)
        return np.where(on, p["offset"] + p["amplitude"] * np.sin(angle), 0.0)


class NoisyCurrentSource(_Source, electrodes.NoisyCurrentSource):
    """PyNN's normal current, nA, drawn anew every `dt` ms; all cells that it is injected into have the same."""

    translations = build_translations(
        ("mean", "mean", 1e3), ("start", "start"), ("stop", "stop"), ("stdev", "stdev", 1e3), ("dt", "dt")
    )

    def fed(self, names, dt):
        begin, end = self.window(dt)
        p = self.numbers
        return [
            Noise(p["stdev"], p["mean"], stream=self.stream, every=self._every(dt), start=begin, stop=end, **x)
            for x in self.into(names)
        ]

    def _every(self, dt: float) -> int:
        return max(1, round(self.numbers["dt"] / dt))

    @property
    def stream(self) -> Any:
        """Of its random numbers: another for every source and after every reset."""
        state = simulator.state
        segment = jax.random.fold_in(jax.random.key(state.seed), state.segment_counter)
        return _random.stream(jax.random.fold_in(segment, state.sources.index(self)), "noise")

    def at(self, steps, dt):
        (begin, end), p = self.window(dt), self.numbers
        noise = np.asarray(_random.normal(self.stream, steps.astype(np.int32) // self._every(dt), np.uint32(0)))
        on = (steps >= round(begin / dt)) & (steps * dt < end - dt / 2)
        return np.where(on, p["mean"] + p["stdev"] * noise, 0.0)
