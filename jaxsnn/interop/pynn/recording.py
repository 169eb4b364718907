"""What a script records: probes for the next run, and what they found, as PyNN's recorder asks for it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from pyNN import recording

from ...simulation.probes.spikes import Raster
from ...simulation.probes.traces import Trace
from . import simulator
from .building import selected


class _Chunk(NamedTuple):
    """Samples of one run."""

    cells: np.ndarray  # their indices in the population
    values: np.ndarray  # (samples, cells)


class Recorder(recording.Recorder):
    """Spikes and variables of a population over several runs, in PyNN's units."""

    _simulator = simulator

    def __init__(self, population: Any, file: Any = None) -> None:
        super().__init__(population, file)
        self._empty()

    @property
    def name(self) -> int:
        """A name among the recorders of a run."""
        return id(self.population)

    def _empty(self) -> None:
        self._steps: list[np.ndarray] = []
        self._cells: list[np.ndarray] = []
        self._chunks: dict[Any, list[_Chunk]] = {}
        self._origin: int | None = None  # the step from which samples count

    def _record(self, variable: Any, new_ids: Any, sampling_interval: float | None = None) -> None:
        if variable.name == "spikes" or sampling_interval is None:
            return
        steps = sampling_interval / self._simulator.state.dt
        if steps < 0.5 or abs(steps - round(steps)) > 1e-6:
            raise ValueError(
                f"Got sampling_interval = {sampling_interval:g} ms, expected a multiple of the time step, "
                f"{self._simulator.state.dt:g} ms."
            )
        self.sampling_interval = sampling_interval

    def _indices(self, variable: Any) -> np.ndarray:
        return np.sort([self.population.id_to_index(each) for each in self.recorded[variable]])

    @property
    def _every(self) -> int:
        return round(self.sampling_interval / self._simulator.state.dt)

    # --- around a run -------------------------------------------------------------------------------------------------

    def probes(self, first: int, steps: int) -> dict[str, Any]:
        """The probes of a run of `steps` from step `first` on, by variable."""
        name = self._simulator.state.running_network.names[id(self.population)]
        if self._origin is None:
            self._origin = first
        aligned = (first - self._origin) % self._every == 0 and steps % self._every == 0
        every = self.sampling_interval if aligned else None
        found: dict[str, Any] = {}
        for variable in self.recorded:
            cells = self._indices(variable)
            if not len(cells):
                continue
            where, index = selected(name, cells, self.population.size)
            if variable.name == "spikes":
                found["spikes"] = Raster(where, index=index)
                continue
            path = self.population.celltype.variables[variable.name][0]
            if variable not in self._chunks:
                self._chunks[variable] = [_Chunk(cells, self._now(variable.name)[None, cells])]
            found[variable.name] = Trace(f"{where}.{path}", every=every, index=index)
        return found

    def _now(self, variable: str) -> np.ndarray:
        path, unit = self.population.celltype.variables[variable]
        value = self._simulator.state.running_network.value(self.population, path)
        if value is not None:
            return unit * value
        return self.population.starts.get(variable, np.zeros(self.population.size))

    def store(self, found: Any, first: int, steps: int) -> None:
        """Keep what the probes of a run found."""
        for variable in self.recorded:
            if variable.name not in found:
                continue
            if variable.name == "spikes":
                step, cell = found["spikes"].events()
                self._steps.append(np.asarray(step) + 1)
                self._cells.append(np.asarray(cell))
                continue
            values = self.population.celltype.variables[variable.name][1] * np.asarray(found[variable.name], float)
            if len(values) == steps:  # a sample a step, of which some are wanted
                assert self._origin is not None
                due = (first + 1 + np.arange(steps) - self._origin) % self._every == 0
                values = values[due]
            self._chunks[variable].append(_Chunk(self._indices(variable), values))

    # --- what PyNN asks for -------------------------------------------------------------------------------------------

    def _get_spiketimes(self, ids: Any, clear: bool = False) -> tuple[np.ndarray, np.ndarray]:
        steps, cells = (np.concatenate([np.zeros(0, int), *x]) for x in (self._steps, self._cells))
        numbers = cells + int(self.population.first_id)
        chosen = np.isin(numbers, np.asarray([int(each) for each in ids], int))
        return numbers[chosen], np.round(steps[chosen] * self._simulator.state.dt, 9)

    def _get_all_signals(self, variable: Any, ids: Any, clear: bool = False) -> tuple[np.ndarray, None]:
        wanted = np.array([self.population.id_to_index(each) for each in ids], int)
        chunks = self._chunks.get(variable)
        if chunks is None:  # it has not run since
            return self._now(variable.name)[None, wanted], None
        rows = np.full((sum(len(chunk.values) for chunk in chunks), self.population.size), np.nan)
        at = 0
        for chunk in chunks:
            rows[at : at + len(chunk.values), chunk.cells] = chunk.values
            at += len(chunk.values)
        return rows[:, wanted], None

    def _local_count(self, variable: Any, filter_ids: Any = None) -> dict[int, int]:
        ids = self.filter_recorded(variable, filter_ids)
        numbers, _ = self._get_spiketimes(ids)
        return {int(each): int(np.sum(numbers == int(each))) for each in ids}

    def _clear_simulator(self) -> None:
        self._empty()

    def store_to_cache(self, annotations: Any = None) -> None:
        super().store_to_cache(annotations)
        self._empty()

    def _reset(self) -> None:
        self._empty()
