"""What PyNN's common classes ask of a simulator: ids, and the state that the functions of PyNN's interface share."""

from __future__ import annotations

from typing import Any

from pyNN import common

from .running import Running

name = "jaxsnn"  # of the simulator, in what is recorded


class ID(int, common.IDMixin):
    """The number of a cell, which knows the population that it is of."""


class State(common.control.BaseState):
    """What PyNN's functions work on: what was created since `setup`, and the network that runs.

    The network is built at the first run, and anew where something was changed since; its state goes on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mpi_rank, self.num_processes = 0, 1
        self.dt, self.max_delay, self.seed = 0.1, "auto", 0
        self._min_delay: Any = "auto"
        self.clear()

    def clear(self) -> None:
        """Forget everything that was created."""
        self.recorders: set[Any] = set()
        self.populations: list[Any] = []
        self.projections: list[Any] = []
        self.sources: list[Any] = []
        self.id_counter, self.segment_counter = 0, -1
        self.running_network: Any = None  # a `Running`, from the first run on
        self.reset()

    def reset(self) -> None:
        """Time 0 and initial values; the network stays."""
        self.running, self.t_start, self.step = False, 0, 0
        self.segment_counter += 1
        if self.running_network is not None:
            self.running_network.state = None

    @property
    def t(self) -> float:
        """ms; rounded, so that sums of steps such as 0.1 look as they are written."""
        return round(self.step * self.dt, 9)

    @property
    def min_delay(self) -> float:
        """ms: what `setup` was given, or the shortest delay of a projection, a step at least."""
        if self._min_delay != "auto":
            return self._min_delay
        shortest = [float(each.values["delay"].min()) for each in self.projections if len(each)]
        return max(self.dt, min(shortest, default=self.dt))

    @min_delay.setter
    def min_delay(self, value: Any) -> None:
        self._min_delay = value

    @property
    def shortest(self) -> float:
        """ms: the delay of a synapse that is given none."""
        return self.dt if self._min_delay == "auto" else self._min_delay

    def changed(self) -> None:
        """Something was set: the network is built anew before it runs on."""
        if self.running_network is not None:
            self.running_network.stale = True

    def network(self) -> Running:
        """The network, up to date."""
        if self.running_network is None:
            self.running_network = Running()
        self.running_network.refresh(self)
        return self.running_network

    def run(self, simtime: float) -> None:
        """Go on for `simtime` ms."""
        self.run_until(self.t + simtime)

    def run_until(self, tstop: float) -> None:
        """Go on until `tstop`, ms."""
        steps = round(tstop / self.dt) - self.step
        self.running = True
        if steps > 0:
            self.network().run(self, steps)
            self.step += steps


state = State()
