"""A graph of NIR from a network: populations become neurons, projections linear nodes, delays nodes of their own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..._arguments import shown
from ..._types import is_concrete
from ...connectivity.layer import Layered
from ...models import known
from ...networks.model import Network
from ...networks.order import NestOrder
from ...networks.projection import Projection
from ...neurons.readout import Parrot
from .cells import KEY, node_of
from .conventions import Convention, Nir, as_convention
from .flat import kind_of, unique
from .maps import Shape
from .modules import flat, nodes_of_module, shape_behind


def to_nir(
    net: Network,
    *,
    convention: Convention = Nir(),
    outputs: tuple[str, ...] | None = None,
    metadata: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Any:
    """The graph of a network in the Neuromorphic Intermediate Representation (NIR 1.0), to be written by `nir.write`.

        nir.write("net.nir", snn.interop.to_nir(net, convention=conventions.SnnTorch(dt=1e-3)))

    `from_nir` of it with the same convention is a network of the same spikes. NIR has no place for a reset by
    subtraction or in the next step: what the network does and what the convention says have to agree.

    **Arguments:** `net`: a network. `convention`: how the tool that reads it steps a graph. `outputs`: populations that
    become a node Output, by default those that send to no other. `metadata`: of populations and projections, by name:
    what the nodes of these names say under `metadata["jaxsnn"]`, such as `lowering.stored_values`.

    **Raises:** ValueError for what NIR has no node for, by the name of the part and with the nearest that it has.
    """
    import nir

    new: Any = nir
    convention = as_convention(convention)
    if not isinstance(net, Network):
        raise ValueError(f"Got net = {shown(net)}, expected a network.")
    if not is_concrete(net):
        raise ValueError("Got a network that is traced; call to_nir outside jit and vmap.")
    if (why := _unsupported(net, convention)) is not None:
        raise ValueError(why)
    shapes = {name: _shape(name, net) for name in net.populations}
    inputs = [name for name, p in net.populations.items() if isinstance(p.neuron, Parrot)]
    nodes: dict[str, Any] = {name: new.Input(input_type=np.array(shapes[name])) for name in inputs}
    looped = {projection.pre for projection in net.projections.values() if projection.pre == projection.post}
    cells = {
        name: node_of(name, p, shapes[name], convention, looped=name in looped)
        for name, p in net.populations.items()
        if name not in inputs
    }
    entry = {name: f"{name}.membrane" if cell.threshold else name for name, cell in cells.items()}
    nodes |= {entry[name]: cell.node for name, cell in cells.items()}
    nodes |= {name: cell.threshold for name, cell in cells.items() if cell.threshold}
    biases = {name: cell.bias for name, cell in cells.items()}
    edges = [(membrane, name) for name, membrane in entry.items() if membrane != name]

    def through(name: str, pre: str, chain: list[Any], post: str) -> None:
        names = []
        for i, node in enumerate(chain):
            names.append(unique(f"{name}.{i}" if i else name, nodes))
            nodes[names[-1]] = node
        edges.extend(itertools.pairwise([pre, *names, entry[post]]))

    for name, p in net.projections.items():
        fires = p.pre in cells and kind_of(nodes[p.pre]) in ("LIF", "IF", "CubaLIF")
        late = convention.late if fires else 0
        through(name, p.pre, _chain(name, p, shapes, convention, biases, cells[p.post].scale, late), p.post)
    for name in [name for name, bias in biases.items() if np.any(bias)]:
        if not inputs:
            raise ValueError(f"Population {name!r} has a bias, in NIR a part of a connection, and nothing comes in.")
        if len(shapes[name]) > 1:
            raise ValueError(f"Population {name!r} has a bias that differs within a channel; NIR has no node for it.")
        zeros = np.zeros((net[name].n, net[inputs[0]].n))
        through(
            f"{name}.bias", inputs[0], [*flat(shapes[inputs[0]]), new.Affine(weight=zeros, bias=biases[name])], name
        )
    sending = {p.pre for p in net.projections.values() if p.pre != p.post}
    for name in outputs if outputs is not None else [n for n in net.populations if n not in sending]:
        if name not in net.populations:
            raise ValueError(f"Got outputs with {name!r}, expected populations: {known(net.populations)}.")
        label = "output" if "output" not in nodes else unique(f"{name}.output", nodes)
        nodes[label] = new.Output(output_type=np.array(shapes[name]))
        edges.append((name, label))
    for name, told in metadata.items():
        if name not in nodes:
            raise ValueError(f"Got metadata of {name!r}, expected populations and projections: {known(nodes)}.")
        nodes[name].metadata = {KEY: dict(told)}
    return new.NIRGraph(convention.written(nodes, edges), edges)


def _unsupported(net: Network, convention: Convention) -> str | None:
    """What NIR has no node for, in one sentence; None if it has all."""
    if abs(net.dt - convention.dt_ms) > 1e-9 * net.dt:
        return (
            f"Got a network with dt = {net.dt:g} ms and a convention with {convention.dt_ms:g} ms; give "
            f"{type(convention).__name__}(dt={net.dt / convention.unit:g})."
        )
    if not isinstance(net.order, NestOrder):
        kind = type(net.order).__name__
        return f"Got a network in {kind}; in a graph of NIR arrivals come before the threshold: build it in NestOrder."
    if net.modules:
        return f"Got a network with modules ({known(net.modules)}), which NIR has no node for; leave them out."
    for name, p in net.projections.items():
        if p.plastic is not None or p.release is not None or p.synapse is not None:
            part = "a rule" if p.plastic is not None else f"the release {type(p.release).__name__}"
            part = part if p.synapse is None else f"synapses with a state of their own, {type(p.synapse).__name__},"
            return f"Projection {name!r} has {part}, which NIR has no node for; write a network with static synapses."
        if isinstance(net.populations[p.post].neuron, Parrot):
            return f"Projection {name!r} reaches {p.post!r}, a Parrot, which is an input in NIR; connect past it."
    return None


def _shape(name: str, net: Network) -> Shape:
    """The shape of a population: that of what a module takes from it, or makes of it; else one axis."""
    layered = [(p, p.graph) for p in net.projections.values() if isinstance(p.graph, Layered)]
    taken = {graph.image for p, graph in layered if p.pre == name}
    if len(taken) > 1:
        raise ValueError(
            f"Population {name!r} is taken as {sorted(taken)} by several layers, and has one shape in NIR."
        )
    made = [shape_behind(graph.module, graph.image) for p, graph in layered if p.post == name]
    return next(iter([*taken, *made]), (net[name].n,))


def _chain(
    name: str,
    p: Projection,
    shapes: dict[str, Shape],
    convention: Convention,
    biases: dict[str, np.ndarray],
    scale: np.ndarray,
    late: int,
) -> list[Any]:
    """The nodes of a projection, its delay first. It takes the bias of its receivers, if it has a place for it.

    `late`: the steps of its delay that its senders take anyway.
    """
    import nir

    new: Any = nir
    shape, bias = shapes[p.pre], biases[p.post]
    if isinstance(p.graph, Layered):
        chain, out = nodes_of_module(f"Projection {name!r}", p.graph.module, shape), shape_behind(p.graph.module, shape)
        delays = _beyond(late, np.full(shape, 0 if p.delay is None else int(p.delay)), name, convention)
        if np.any(delays) and any(np.any(getattr(node, "bias", 0.0)) for node in chain):
            raise ValueError(
                f"Projection {name!r} has a delay and a module with a bias, which arrives as late as the spikes do, "
                "and in NIR from the first step on; give the bias to the receivers."
            )
        chain += [new.Scale(scale=scale.reshape(out))] if np.any(scale != 1.0) else []
        each = bias.reshape(*out[:1], -1)
        if np.any(bias) and hasattr(chain[-1], "groups") and np.all(each == each[:, :1]):  # one a channel
            chain[-1].bias = chain[-1].bias + each[:, 0]
            biases[p.post] = np.zeros_like(bias)
        if out != shapes[p.post]:
            if len(shapes[p.post]) > 1:
                raise ValueError(
                    f"Projection {name!r} makes {out}, and {p.post!r} is {shapes[p.post]} for another one."
                )
            chain += flat(out)
    else:
        matrix, delays = _matrix(name, p)
        matrix, delays = matrix * scale, _beyond(late, delays, name, convention)
        alone = len(matrix) == math.prod(shapes[p.post]) and not np.any(matrix - np.diag(np.diag(matrix)))
        if alone and not np.any(bias):
            chain = [new.Scale(scale=np.diag(matrix).reshape(shape))]
        else:
            kind = new.Affine(weight=matrix.T, bias=bias) if np.any(bias) else new.Linear(weight=matrix.T)
            biases[p.post] = np.zeros_like(bias)
            chain = [*flat(shape), kind]
    if np.any(delays) and not (p.pre == p.post and late == 0 and np.all(delays == 1)):  # a loop takes a step anyway
        chain = [new.Delay(delay=delays.reshape(shape) * convention.dt), *chain]
    return chain


def _beyond(late: int, delays: np.ndarray, name: str, convention: Convention) -> np.ndarray:
    """Delays without what senders take anyway."""
    if np.any(delays < late):
        raise ValueError(
            f"Projection {name!r} has a delay of {delays.min()} steps, and neurons of {type(convention).__name__} send "
            f"{late} later; give it {late * convention.dt_ms:g} ms or more."
        )
    return delays - late


def _matrix(name: str, p: Projection) -> tuple[np.ndarray, np.ndarray]:
    """Weights `(pre, post)`, several synapses of a pair added up, and the delay of each sender in steps."""
    delay: Any = np.zeros((), np.int32) if p.delay is None else p.delay
    found = p.graph.synapses(p.weight, delay)
    pre, post, weight, delay = np.broadcast_arrays(*map(np.asarray, found))
    real = pre < p.graph.n_pre
    pre, post, weight, delay = pre[real], post[real], weight[real], delay[real]
    matrix = np.zeros((p.graph.n_pre, p.graph.n_post))
    np.add.at(matrix, (pre, post), weight)
    of_sender = np.zeros(p.graph.n_pre, np.int64)
    of_sender[pre] = delay
    if np.any(of_sender[pre] != delay):
        raise ValueError(
            f"Projection {name!r} has delays that differ between synapses of one sender, and NIR delays what a neuron "
            "sends; give it one delay for each sender."
        )
    return matrix, of_sender
