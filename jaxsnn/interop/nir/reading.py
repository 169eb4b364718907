"""A network from a graph of NIR: neurons become populations, the linear nodes between them projections."""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any, NamedTuple

import jax
import numpy as np

from ..._arguments import shown
from ..._types import on_device
from ...connectivity.layer import Layer
from ...networks.assembly import network
from ...networks.model import Network
from ...networks.population import Population, SpikeSource
from ...networks.projection import Connection
from .arriving import Sites, directly
from .chains import Constant
from .conventions import Convention, Nir, as_convention
from .files import opened
from .flat import NEURONS, Flat, Unreset, flattened, kind_of, unique
from .neurons import neuron_of, read_out
from .ways import closing, connections_of


class FromNIR(NamedTuple):
    """What `from_nir` makes of a graph.

    `inputs`, `outputs`: the population of each node Input and Output, by the name of the node. An output that no neuron
    feeds directly is a population whose `v` is what arrives. `recurrent`: the projections that close a loop, on which a
    spike arrives one step later than it would in a graph without steps.
    """

    net: Network
    inputs: dict[str, str]
    outputs: dict[str, str]
    recurrent: tuple[str, ...]


def from_nir(graph: Any, *, convention: Convention = Nir()) -> FromNIR:
    """The network of a graph of the Neuromorphic Intermediate Representation (NIR 1.0).

        net, inputs, outputs, recurrent = snn.interop.from_nir("net.nir", convention=conventions.SnnTorch())
        snn.simulate(net, snn.Replay(x, into=inputs["input"]), ...)

    Arrays are flat, in row-major order, `(channels, height, width)` too. `LIF` and `IF` become `snn.LIF`, `LI` becomes
    `snn.LI`, `CubaLIF` `snn.CubaLIF`; `CubaLI` and `I` are those with an infinite threshold. Inputs and resistances
    become part of weights, a bias a constant current. Edges are same-step edges, so that a spike passes all layers in
    one step, as in the tools that write graphs; those that close a loop take one step.

    **Arguments:** `graph`: a `nir.NIRGraph`, or the path of a file. `convention`: the time step, the solver and the
    reset of the tool that trained it.

    **Raises:** ValueError for a graph that is inconsistent, or a node that has no meaning here, by its name.
    """
    convention = as_convention(convention)
    try:
        return _read(graph, convention)
    except RecursionError:
        raise ValueError(
            "Got a graph that contains itself, or that has more nodes in a row, or graphs within graphs, than can be "
            "followed; expected at most some 200."
        ) from None


def _read(graph: Any, convention: Convention) -> FromNIR:
    flat = convention.meant(flattened(_graph(graph)))
    sites = Sites(flat, convention.unit)
    names = _names(flat)
    populations: dict[str, Any] = {}
    connections: dict[str, Connection] = {}
    links: list[tuple[str, str, str, bool]] = []  # projection, from, to, whether it is a same-step edge
    outputs: dict[str, str] = {}
    inputs = {name: names[name] for name in flat.of_kind("Input")}
    if not inputs:
        raise ValueError("Got a graph without a node Input, expected one.")
    for node, name in names.items():
        kind = kind_of(flat.nodes[node])
        if kind == "Input":
            populations[name] = SpikeSource(math.prod(sites.shape(node)))
            continue
        reach = sites.arriving(node)
        if kind == "Output" and (direct := directly(reach)) is not None:
            outputs[node] = names[direct]
            continue
        n = math.prod(sites.shape(node))
        if math.prod(reach.shape) != n:
            raise ValueError(f"Node {node!r} ({kind}) has {n} neurons and is reached by shape {reach.shape}.")
        bias = None if reach.bias is None else reach.bias.reshape(-1)
        looped = any(source == node for source, _ in reach.ways)
        made = (
            read_out(n, bias, convention)
            if kind == "Output"
            else neuron_of(node, flat.nodes[node], n, bias, convention, looped=looped)
        )
        populations[name] = Population(made.neuron, n, init=dict(made.init))
        for source, chain in reach.ways:
            taken = {*names.values(), *connections}
            for key, connection in connections_of(names[source], name, chain, made, n, taken):
                connections[key] = connection
                links.append((key, names[source], name, connection.delay is None))
        if made.bias is not None and np.any(made.bias):
            first = next(iter(inputs.values()))
            constant = Layer(Constant(on_device(made.bias)), (math.prod(sites.shape(next(iter(inputs)))),))
            key = unique(f"{name}-bias", {*names.values(), *connections})
            connections[key] = Connection(first, name, via=constant)
        if kind == "Output":
            outputs[node] = name
    recurrent = closing(links, list(inputs.values()))
    late = {names[node] for node in flat.of_kind("LIF", "IF", "CubaLIF") if not isinstance(flat.nodes[node], Unreset)}
    for key, _, _, same in links:
        steps = max(convention.late * (connections[key].pre in late), 1 * (key in recurrent))
        delay = steps * convention.dt_ms + (0.0 if same else connections[key].delay)
        connections[key] = connections[key] if steps == 0 else dataclasses.replace(connections[key], delay=delay)
    net = network(dt=convention.dt_ms, key=jax.random.key(0), populations=populations, projections=connections)
    return FromNIR(net, inputs, outputs, recurrent)


def _graph(graph: Any) -> Any:
    if kind_of(graph) == "NIRGraph":
        return graph
    if not isinstance(graph, (str, os.PathLike)):
        raise ValueError(f"Got graph = {shown(graph)}, expected a nir.NIRGraph or the path of a file of one.")
    return opened(graph)


def _names(flat: Flat) -> dict[str, str]:
    """A name of a population for every node that becomes one."""
    out: dict[str, str] = {}
    for node in flat.of_kind(*NEURONS, "Input", "Output"):
        name = "".join("-" if letter in ".[]" else letter for letter in node).strip() or "node"
        out[node] = unique(name, out.values())
    return out
