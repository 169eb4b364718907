"""A lowered graph as a network again, with the numbers that the chip stores, in the model's units."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from .._types import is_concrete
from ..connectivity.graph import Dense
from ..connectivity.topology import AllToAll
from ..networks.assembly import network
from ..networks.model import Network
from ..networks.population import Population, SpikeSource
from ..networks.projection import Connection
from .formats import Real
from .graph import EdgeNode, Graph
from .real import RealNeuron, lag_of
from .target import AbstractTarget


def rounded_network(graph: Graph, target: AbstractTarget) -> Network:
    """The network whose neurons, weights and delays are those that `lower` stored: what rounding made of the model.

        rounded, told = rounded_network(lowered.graph, target), stored_values(lowered.graph, target)
        nir.write("chip.nir", snn.interop.to_nir(rounded, convention=..., metadata=told))

    It has real numbers and the chip's equations without rounding within a step: spikes differ from those of the program
    where a register rounds, saturates or wraps. Potentials are above rest, in the model's units. A group that lags
    behind the model on the chip does not here.

    **Raises:** ValueError for what is no neuron with a decaying membrane and current, by its name: noise, plasticity,
    modes of a chip; and for a graph whose numbers are traced.
    """
    if not is_concrete((graph, target)):
        raise ValueError("Got a lowered graph that is traced; lower outside jit and vmap.")
    lags = dict(graph.lags)
    populations: dict[str, Any] = {}
    made: dict[str, RealNeuron] = {}
    for name, cell in graph.cells.items():
        if cell.is_input:
            populations[name] = SpikeSource(cell.n)
            continue
        made[name] = target.neuron(name, graph)
        populations[name] = Population(made[name].neuron, cell.n)
    connections = {}
    for name, edge in graph.edges.items():
        if edge.rule is not None:
            raise ValueError(f"Synapses {name!r} learn, and a lowered network has static ones; lower net.frozen().")
        late = 1 + lags.get(edge.pre, 0) - lags.get(edge.post, 0)
        connections[name] = _connection(edge, late, made[edge.post].unit, graph.dt)
    return network(dt=graph.dt, key=jax.random.key(0), populations=populations, projections=connections)


def stored_values(graph: Graph, target: AbstractTarget) -> dict[str, dict[str, Any]]:
    """What the chip stores, by cells and synapses: the metadata of a file in which real numbers stand.

    `target`, `dt_ms`, `lag`, and of every value in a format its `stored` numbers and the `format` in words.
    """
    told: dict[str, dict[str, Any]] = {}
    parts = {**{name: cell for name, cell in graph.cells.items() if not cell.is_input}, **graph.edges}
    for name, part in parts.items():
        told[name] = {"target": target.name, "dt_ms": graph.dt, "lag": lag_of(name, graph)}
        for key, value in part.values.items():
            if not isinstance(value.format, Real):
                told[name][key] = {"stored": np.atleast_1d(np.asarray(value.x)), "format": str(value.format)}
    return told


def _connection(edge: EdgeNode, late: int, unit: Any, dt: float) -> Connection:
    """The weights `(pre, post)` in the model's unit, and the delays; on a chip every edge takes a step more."""
    sender, receiver = np.asarray(edge.sender), np.asarray(edge.receiver)
    each = np.broadcast_to(np.asarray(unit, np.float64), (edge.n_post,))
    weight, delay = np.zeros((edge.n_pre, edge.n_post)), np.zeros((edge.n_pre, edge.n_post), np.int64)
    stored = np.asarray(edge.values["weight"].real, np.float64) * (-1.0 if edge.sign < 0 else 1.0) ** (edge.sign != 0)
    np.add.at(weight, (sender, receiver), stored / each[receiver])
    delay[sender, receiver] = np.asarray(edge["delay"]).astype(np.int64) + late
    steps = int(delay[sender, receiver].max(initial=0))
    if np.all(delay[sender, receiver] == steps):
        given = steps * dt if steps else None
    else:
        absent = np.ones(delay.shape, bool)
        absent[sender, receiver] = False
        if np.any(delay[~absent] == 0):
            raise ValueError(
                f"Synapses from {edge.pre!r} to {edge.post!r} act in the same step and in later ones, of one group; "
                "lower them as two projections."
            )
        given = np.where(absent, steps, delay) * dt
    return Connection(edge.pre, edge.post, AllToAll(), via=Dense(), weight=weight, delay=given)
