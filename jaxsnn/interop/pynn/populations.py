"""PyNN's `Population`, `PopulationView` and `Assembly` on networks of jaxsnn."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyNN import common
from pyNN.parameters import ParameterSpace, simplify

from ...networks.population import Population as Cells
from . import simulator
from .recording import Recorder


class Assembly(common.Assembly):
    """PyNN's group of populations and of parts of them."""

    _simulator = simulator


class _Parameters:
    """Parameters and initial values of a population, or of a part of one."""

    size: int
    celltype: Any

    @property
    def root(self) -> Population:
        """The population."""
        raise NotImplementedError

    @property
    def where(self) -> np.ndarray:
        """Which of its cells these are."""
        raise NotImplementedError

    def _get_parameters(self, *names: str) -> ParameterSpace:
        return self.celltype.read(names, self._get_native_parameters)

    def _get_native_parameters(self, *names: str) -> ParameterSpace:
        found = {name: simplify(self.root.cell_parameters[name][self.where]) for name in names}
        return ParameterSpace(found, shape=(self.size,))

    def _set_parameters(self, parameter_space: ParameterSpace) -> None:
        parameter_space.evaluate(simplify=False)
        for name, value in parameter_space.items():
            self.root.cell_parameters[name][self.where] = value
        self.celltype.check(self.root.cell_parameters)
        simulator.state.changed()

    def _set_initial_value_array(self, variable: str, initial_values: Any) -> None:
        values = np.asarray(initial_values.evaluate(simplify=False), float)
        root, known = self.root, self.celltype.variables
        if variable not in known:
            if np.any(values != 0.0):
                raise ValueError(
                    f"Population {root.label!r}: got the initial value {values.flat[0]:g} of {variable!r}, which here "
                    f"begins at 0; expected one of {', '.join(known) or 'none'}."
                )
            return
        every = root.starts.setdefault(variable, np.zeros(root.size))
        every[self.where] = values
        path, unit = known[variable]
        if simulator.state.running_network is not None:
            now = simulator.state.running_network.value(root, path)
            if now is not None:
                now[self.where] = values / unit
                simulator.state.running_network.set_value(root, path, now)
        simulator.state.changed()

    def _get_view(self, selector: Any, label: str | None = None) -> PopulationView:
        return PopulationView(self, selector, label)


class PopulationView(_Parameters, common.PopulationView):
    """PyNN's part of a population."""

    _assembly_class = Assembly
    _simulator = simulator

    @property
    def root(self) -> Population:
        return self.grandparent

    @property
    def where(self) -> np.ndarray:
        return self.index_in_grandparent(np.arange(self.size))

    @property
    def initial_values(self) -> dict[str, Any]:
        return {name: values[self.where] for name, values in self.root.starts.items()}

    def initialize(self, **initial_values: Any) -> None:
        from pyNN.parameters import LazyArray

        for variable, value in initial_values.items():
            self._set_initial_value_array(variable, LazyArray(value, shape=(self.size,), dtype=float))


class Population(_Parameters, common.Population):
    """PyNN's population, which becomes one of the network of the same label."""

    _simulator = simulator
    _recorder_class = Recorder
    _assembly_class = Assembly

    @property
    def root(self) -> Population:
        return self

    @property
    def where(self) -> np.ndarray:
        return np.arange(self.size)

    def _create_cells(self) -> None:
        state = simulator.state
        if self.size < 0:
            raise ValueError(f"Got a population of {self.size} cells, expected 0 or more.")
        numbers = range(state.id_counter, state.id_counter + self.size)
        self.all_cells = np.empty(self.size, dtype=object)
        self.all_cells[:] = [simulator.ID(number) for number in numbers]
        for each in self.all_cells:
            each.parent = self
        self._mask_local = np.ones(self.size, bool)
        state.id_counter += self.size
        parameters = self.celltype.native_parameters
        parameters.shape = (self.size,)
        parameters.evaluate(simplify=False)
        whole = (self.size,)
        self.cell_parameters = {name: np.broadcast_to(value, whole).copy() for name, value in parameters.items()}
        self.celltype.check(self.cell_parameters)
        self.starts: dict[str, np.ndarray] = {}
        state.populations.append(self)
        state.changed()

    def made(self) -> Cells:
        """The population of jaxsnn."""
        known = self.celltype.variables
        start = {known[name][0]: values / known[name][1] for name, values in self.starts.items()}
        return self.celltype.made(self.size, self.cell_parameters, start)
