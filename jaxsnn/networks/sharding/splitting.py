"""The synapses of a projection divided among devices: each holds those into its own neurons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array

from ..._types import is_concrete
from ...connectivity.graph import DenseGraph, SparseGraph
from ...connectivity.layer import Layered
from ..model import Network
from ..projection import Projection
from ..shards import Shards


def unsupported(net: Network) -> str | None:
    """Why a network cannot be divided among devices, with what to do instead; None if it can."""
    for name, p in net.projections.items():
        if p.plastic is not None:
            return f"projection {name!r} learns; run it on one device, or give it frozen: net.frozen()"
        if p.synapse is not None:
            kind = type(p.synapse).__name__
            return f"the synapses of projection {name!r} ({kind}) are integrated in every step; run it on one device"
        if p.reliability is not None:
            kind = type(p.release).__name__
            return f"the synapses of projection {name!r} draw whether they transmit ({kind}); run it on one device"
        if isinstance(p.graph, Layered):
            return f"projection {name!r} goes through a Layer, which is not divided; give a topology instead"
    if not is_concrete(net):
        return "its numbers are being traced; divide it outside jit"
    for name, population in net.populations.items():
        n, kind = population.n, type(population.neuron).__name__
        if any(x.shape != (n,) for x in jax.tree.leaves(jax.eval_shape(population.rest))):
            return f"the state of {kind}, the neuron of {name!r}, or of its ports is not one number a neuron"
    return None


class Divider:
    """Divides projections among the devices of a mesh."""

    def __init__(self, mesh: Mesh, shards: Shards):
        self.mesh, self.shards = mesh, shards
        self.sharding = NamedSharding(mesh, P(shards.axis))

    def projection(self, p: Projection) -> Projection:
        """The parts of a projection, stacked: every array has a leading axis of devices.

        A synapse is on the device of its postsynaptic neuron. Presynaptic neurons have the numbers that they have among
        those of all devices.
        """
        if isinstance(p.graph, SparseGraph):
            graph, per_synapse = self._list(p.graph)
        else:
            assert isinstance(p.graph, DenseGraph)
            graph, per_synapse = self._matrix(p.graph)
        own = lambda x, fill: per_synapse(np.asarray(x), fill) if x.ndim else self._same(x)
        per_sender = lambda x: self.put(self.shards.split(np.asarray(x), p.graph.n_pre).__getitem__, x.dtype)
        # checked when it was built; stacked arrays have other shapes than the checks expect
        return _with(
            p,
            graph=graph,
            weight=own(p.weight, 0),
            delay=None if p.delay is None else own(p.delay, p.max_delay),
            release=jax.tree.map(lambda x: per_sender(x) if x.ndim else self._same(x), p.release),
            overflow=self._same(p.overflow),
            late=self._same(p.late),
        )

    def put(self, part: Callable[[int], np.ndarray], dtype: Any) -> Array:
        """`part(i)` of every device `i` that this process has, stacked."""
        parts = [
            jax.device_put(np.asarray(part(i), dtype)[None], device)
            for i, device in enumerate(np.ravel(self.mesh.devices))
            if device.process_index == jax.process_index()
        ]
        shape = (self.shards.number, *parts[0].shape[1:])
        return jax.make_array_from_single_device_arrays(shape, self.sharding, parts)

    def _same(self, x: Any) -> Array:
        known = np.asarray(x)
        return self.put(lambda i: known, known.dtype)

    def _list(self, graph: SparseGraph) -> Any:
        number, own = self.shards.number, self.shards.own(graph.n_post)
        start = np.asarray(graph.start)
        real = int(start[-1])
        pre = np.repeat(np.arange(graph.n_pre, dtype=np.int32), np.diff(start))
        post = np.asarray(graph.post)[:real]
        device = post // own
        room = max(1, int(np.max(np.bincount(device, minlength=number))))
        senders = number * self.shards.own(graph.n_pre)
        mine = [device == i for i in range(number)]

        begins = [np.append(0, np.cumsum(np.bincount(pre[here], minlength=senders))) for here in mine]

        def per_synapse(x: np.ndarray, fill: int = 0) -> Array:
            def part(i: int) -> np.ndarray:
                some = x[:real][mine[i]]
                return np.pad(some, (0, room - some.shape[0]), constant_values=fill)

            return self.put(part, x.dtype)

        width = max(int(np.max(np.diff(begin))) for begin in begins)
        parts = self.put(begins.__getitem__, np.int32), per_synapse(post % own)
        return SparseGraph(*parts, senders, own, max(1, width)), per_synapse

    def _matrix(self, graph: DenseGraph) -> Any:
        number, own = self.shards.number, self.shards.own(graph.n_post)
        senders = number * self.shards.own(graph.n_pre)

        def per_pair(x: np.ndarray, fill: int = 0) -> Array:
            padded = np.full((senders, number * own), fill, x.dtype)
            padded[: graph.n_pre, : graph.n_post] = x
            return self.put(lambda i: padded[:, i * own : (i + 1) * own], x.dtype)

        # pairs with a neuron that is padding have no synapse
        count = np.ones(graph.shape, np.int8) if graph.count is None else np.asarray(graph.count)
        return DenseGraph(per_pair(count), senders, own), per_pair


def _with(p: Projection, **parts: Any) -> Projection:
    """A copy with other parts, without the checks of one that is built."""
    names = tuple(parts)
    get = lambda p: tuple(getattr(p, name) for name in names)
    return eqx.tree_at(get, p, tuple(parts[name] for name in names), is_leaf=lambda x: x is None)


def shortest(net: Network) -> int:
    """The shortest delay, steps; 0 if spikes act in the step in which they are fired."""
    known = lambda p: 0 if p.delay is None else int(np.min(np.asarray(p.delay), initial=p.max_delay))
    return min(map(known, net.projections.values()), default=1)
