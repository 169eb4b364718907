"""The functions of PyNN's interface that set up and control a simulation."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from pyNN import common
from pyNN.common.control import DEFAULT_MAX_DELAY, DEFAULT_MIN_DELAY, DEFAULT_TIMESTEP
from pyNN.recording import get_io

from ..._arguments import shown
from ...networks.model import Network
from ...simulation.drives.base import AbstractDrive
from ...simulation.parts import RunState
from . import simulator
from .building import drives


class FromPyNN(NamedTuple):
    """What `network()` hands over: the network, its drive, and where a run stands (None before the first)."""

    net: Network
    drive: AbstractDrive
    state: RunState | None


def setup(timestep: float = DEFAULT_TIMESTEP, min_delay: Any = DEFAULT_MIN_DELAY, **extra_params: Any) -> int:
    """Begin: whatever was created before is forgotten.

    **Arguments:** `timestep`: ms. `min_delay`, `max_delay`: ms, or `"auto"`. `rng_seed`: of what is drawn while the
    network runs, such as the spikes of `SpikeSourcePoisson`. What other simulators take besides (`threads`,
    `verbosity`, ...) changes nothing. `spike_precision="off_grid"` is refused: spikes are on the grid of `timestep`.
    """
    if isinstance(timestep, bool) or not isinstance(timestep, (int, float)) or not 0.0 < timestep < math.inf:
        raise ValueError(f"Got timestep = {shown(timestep)}, expected a positive number of ms.")
    common.setup(timestep, min_delay, **extra_params)
    if extra_params.get("spike_precision", "on_grid") != "on_grid":
        raise ValueError(
            f"Got spike_precision = {extra_params['spike_precision']!r}, but spikes here are on the grid; "
            "leave it out, or give a shorter timestep."
        )
    seed = extra_params.get("rng_seed", extra_params.get("grng_seed", 42))
    state = simulator.state
    state.clear()
    state.dt, state.min_delay = float(timestep), min_delay
    state.max_delay, state.seed = extra_params.get("max_delay", DEFAULT_MAX_DELAY), int(seed)
    return 0


def end(compatible_output: bool = True) -> None:
    """Write the files that `record(..., to_file=...)` has asked for."""
    for population, variables, filename in simulator.state.write_on_end:
        population.write_data(get_io(filename) if isinstance(filename, str) else filename, variables)
    simulator.state.write_on_end = []


def network() -> FromPyNN:
    """The network that the script has built so far, to be swept, differentiated or lowered.

        net, drive, state = sim.network()
        run = snn.simulate(net, drive, t=100.0, key=0, record=snn.Raster("cells"))

    `net`: populations and projections have their labels in PyNN as names. `drive`: spike sources and injected currents
    of the whole time. `state`: where a run of `sim` stands, to go on from with `state=`; None before the first.
    """
    made = simulator.state.network()
    return FromPyNN(made.net, drives(simulator.state, made.names, 0, None), made.state)


run, run_until = common.build_run(simulator)
run_for = run
reset = common.build_reset(simulator)
initialize = common.initialize
(get_current_time, get_time_step, get_min_delay, get_max_delay, num_processes, rank) = common.build_state_queries(
    simulator
)
