"""A network from a graph of NIR: neurons become populations, the linear nodes between them projections."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..._arguments import shown
from ..._types import on_device
from ...connectivity.graph import Dense, Sparse
from ...connectivity.layer import Layer
from ...connectivity.topology import AllToAll, OneToOne
from ...networks.model import Network, network
from ...networks.population import Population, SpikeSource
from ...networks.projection import Connection
from .conventions import Convention, Nir, as_convention
from .flat import NEURONS, Flat, flattened, kind_of
from .maps import AbstractMap, Chained, Constant, Shape, delay_of, map_of, scaled, synapses
from .neurons import Made, neuron_of, read_out


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
    `snn.LI`, `CubaLIF` `snn.CubaLIF`; `CubaLI` and `I` are those with a threshold out of reach. Inputs and resistances
    become part of weights, a bias a constant current. Edges are same-step edges, so that a spike passes all layers in
    one step, as in the tools that write graphs; those that close a loop take one step.

    **Arguments:** `graph`: a `nir.NIRGraph`, or the path of a file. `convention`: the time step, the solver and the
    reset of the tool that trained it.

    **Raises:** ValueError for a graph that is inconsistent, or a node that has no meaning here, by its name.
    """
    convention = as_convention(convention)
    flat = flattened(_opened(graph))
    sites = _Sites(flat, convention)
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
        if kind == "Output" and (direct := _directly(reach)) is not None:
            outputs[node] = names[direct]
            continue
        n = math.prod(sites.shape(node))
        if math.prod(reach.shape) != n:
            raise ValueError(f"Node {node!r} ({kind}) has {n} neurons and is reached by shape {reach.shape}.")
        bias = None if reach.bias is None else reach.bias.reshape(-1)
        made = (
            read_out(n, bias, convention)
            if kind == "Output"
            else neuron_of(node, flat.nodes[node], n, bias, convention)
        )
        populations[name] = Population(made.neuron, n, init=dict(made.init))
        for source, chain in reach.ways:
            for key, connection in _connections(names[source], name, chain, made, n, connections):
                connections[key] = connection
                links.append((key, names[source], name, connection.delay is None))
        if made.bias is not None:
            first = next(iter(inputs.values()))
            constant = Layer(Constant(on_device(made.bias)), (math.prod(sites.shape(next(iter(inputs)))),))
            connections[f"{name}.bias".replace(".", "-")] = Connection(first, name, via=constant)
        if kind == "Output":
            outputs[node] = name
    recurrent = _closing(links, list(inputs.values()))
    for key in recurrent:
        connections[key] = dataclasses.replace(connections[key], delay=convention.dt_ms)
    net = network(dt=convention.dt_ms, key=jax.random.key(0), populations=populations, projections=connections)
    return FromNIR(net, inputs, outputs, recurrent)


def _opened(graph: Any) -> Any:
    if kind_of(graph) == "NIRGraph":
        return graph
    if not isinstance(graph, (str, Path)):
        raise ValueError(f"Got graph = {shown(graph)}, expected a nir.NIRGraph or the path of a file of one.")
    import nir

    try:
        return nir.read(str(graph), type_check=False)
    except FileNotFoundError:
        raise
    except Exception as error:  # h5py, KeyError, AssertionError: whatever a file that is no graph runs into
        raise ValueError(f"{str(graph)!r} is no file of a NIR graph that nir can read: {error}") from error


def _names(flat: Flat) -> dict[str, str]:
    """A name of a population for every node that becomes one."""
    out: dict[str, str] = {}
    for node in flat.of_kind(*NEURONS, "Input", "Output"):
        name = "".join("-" if letter in ".[]" else letter for letter in node).strip() or "node"
        while name in out.values():
            name += "_"
        out[node] = name
    return out


# --- what arrives at a node -------------------------------------------------------------------------------------------


class Arriving(NamedTuple):
    """The ways on which spikes reach a node, what is added in every step, and the shape of both."""

    ways: tuple[tuple[str, tuple[AbstractMap, ...]], ...]
    bias: np.ndarray | None
    shape: Shape


class _Sites:
    """Follows linear nodes back to where spikes come from."""

    most = 10_000  # ways to one node

    def __init__(self, flat: Flat, convention: Convention):
        self.flat, self.unit = flat, convention.unit
        self.found: dict[str, Arriving] = {}
        self.shapes: dict[str, Shape] = {}

    def shape(self, name: str, asking: tuple[str, ...] = ()) -> Shape:
        """The shape of what a node sends: that of its parameters, or where these are one number, of what arrives."""
        if name not in self.shapes:
            node = self.flat.nodes[name]
            own = _own_shape(node)
            if own is None and name in asking:
                raise ValueError(f"Node {name!r} has no shape: it is only reached by itself.")
            if own is None:
                own = self._arriving_shape(name, (*asking, name))
            self.shapes[name] = own
        return self.shapes[name]

    def _arriving_shape(self, name: str, asking: tuple[str, ...]) -> Shape:
        why = f"Node {name!r} ({kind_of(self.flat.nodes[name])}) is not reached by anything, expected an edge to it."
        for before in self.flat.before[name]:
            try:
                return self._sent(before, asking).shape
            except ValueError as error:
                why = str(error)
        raise ValueError(why)

    def arriving(self, name: str) -> Arriving:
        """What arrives at a node, from all its predecessors."""
        return self._sum(name, ())

    def _sum(self, name: str, asking: tuple[str, ...]) -> Arriving:
        parts = [self._sent(before, asking) for before in self.flat.before[name]]
        if not parts:
            raise ValueError(f"Node {name!r} ({kind_of(self.flat.nodes[name])}) is not reached by anything.")
        shape = parts[0].shape
        for part, before in zip(parts, self.flat.before[name], strict=True):
            if math.prod(part.shape) != math.prod(shape):
                first = self.flat.before[name][0]
                raise ValueError(
                    f"Node {name!r} is reached by shape {shape} from {first!r} and by {part.shape} from {before!r}, "
                    "expected one shape."
                )
        ways = tuple(way for part in parts for way in part.ways)
        if len(ways) > self.most:
            raise ValueError(f"Node {name!r} is reached on {len(ways)} ways, expected at most {self.most}.")
        biases = [part.bias.reshape(shape) for part in parts if part.bias is not None]
        return Arriving(ways, np.sum(biases, axis=0) if biases else None, shape)

    def _sent(self, name: str, asking: tuple[str, ...]) -> Arriving:
        """What a node sends on."""
        node = self.flat.nodes[name]
        if kind_of(node) in (*NEURONS, "Input"):
            return Arriving(((name, ()),), None, self.shape(name, asking))
        if name not in self.found:
            into = self._sum(name, asking)
            made, own = map_of(name, node, into.shape, self.unit)
            bias = None if into.bias is None else np.asarray(made(jnp.asarray(into.bias)))
            bias = own if bias is None else bias if own is None else bias + own
            ways = tuple((source, (*chain, made)) for source, chain in into.ways)
            self.found[name] = Arriving(ways, bias, made.out)
        return self.found[name]


def _own_shape(node: Any) -> Shape | None:
    if kind_of(node) == "Input":
        given = next(iter(node.input_type.values()))
        shape = () if given is None else tuple(int(n) for n in np.asarray(given).reshape(-1))
        if not shape or any(n < 1 for n in shape):
            raise ValueError(f"A node Input has the shape {shape}, expected sizes of at least 1.")
        return shape
    names = ("v_threshold", "threshold", "r", "tau", "tau_mem", "v_leak")
    shapes = [np.shape(getattr(node, name)) for name in names if hasattr(node, name)]
    return next((shape for shape in shapes if math.prod(shape) > 1), None)


def _directly(reach: Arriving) -> str | None:
    """The neuron that an output only names, if it does."""
    passes = len(reach.ways) == 1 and reach.bias is None and reach.ways[0][0] is not None
    return reach.ways[0][0] if passes and all(type(m).__name__ == "Reshaped" for m in reach.ways[0][1]) else None


# --- projections ------------------------------------------------------------------------------------------------------


def _connections(
    pre: str, post: str, chain: tuple[AbstractMap, ...], made: Made, n: int, taken: dict[str, Connection]
) -> list[tuple[str, Connection]]:
    """One way as a connection, or as two where some of its synapses have a delay and others have none."""
    key = f"{pre}-{post}"
    while key in taken:
        key += "_"
    what = f"The way from {pre!r} to {post!r}"
    found = synapses(chain, what)
    if found is None:
        chain, delay = scaled(chain, made.gain), delay_of(chain, what)
        return [(key, Connection(pre, post, via=Layer(Chained(chain), chain[0].into), delay=delay or None))]
    weight, delay = found.weight * made.gain if chain else np.broadcast_to(made.gain, (n,)), found.delay
    topology, via = (AllToAll(), Dense()) if weight.ndim == 2 else (OneToOne(), Sparse())
    if not np.any(delay):
        return [(key, Connection(pre, post, topology, via=via, weight=weight))]
    out = []
    for name, there in ((key, delay == 0), (f"{key}-late", delay != 0)):
        if np.any(weight[there] != 0):
            own = None if name == key else np.where(there, delay, np.max(delay))
            some = np.where(there, weight, 0.0)
            out.append((name, Connection(pre, post, topology, via=via, weight=some, delay=own)))
    return out


def _closing(links: list[tuple[str, str, str, bool]], start: list[str]) -> tuple[str, ...]:
    """The same-step projections that close a loop, found depth first from the inputs on."""
    after: dict[str, list[tuple[str, str]]] = {}
    for key, pre, post, same in links:
        if same:
            after.setdefault(pre, []).append((key, post))
    closing: list[str] = []
    state: dict[str, str] = {}
    for root in [*start, *after]:
        stack = [(root, iter(after.get(root, ())))] if root not in state else []
        if stack:
            state[root] = "open"
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[name] = "done"
                stack.pop()
                continue
            key, post = following
            if state.get(post) == "open":
                closing.append(key)
            elif post not in state:
                state[post] = "open"
                stack.append((post, iter(after.get(post, ()))))
    return tuple(closing)
