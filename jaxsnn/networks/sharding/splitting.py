"""The synapses of a projection divided among devices: each holds those into its own neurons."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array

from ..._types import is_concrete, on_device
from ...connectivity.graph import AbstractGraph, DenseGraph, PartOfList, SparseGraph
from ...connectivity.layer import Layered
from ...plasticity.base import AbstractModifier, Chain
from ...plasticity.shapes import reads_membranes
from ...plasticity.synapse_index import SynapseIndex, synapse_index
from ..model import Network
from ..projection import Learning, Projection
from ..shards import Shards
from .learning import LearningPart


def unsupported(net: Network) -> str | None:
    """Why a network cannot be divided among devices, with what to do instead; None if it can."""
    for name, p in net.projections.items():
        if p.plastic is not None and (why := _unheard(p.plastic.rule, p.graph)) is not None:
            return f"the rule of projection {name!r} {why}; run it on one device, or give it frozen: net.frozen()"
        if p.synapse is not None:
            kind = type(p.synapse).__name__
            return f"the synapses of projection {name!r} ({kind}) are integrated in every step; run it on one device"
        if isinstance(p.graph, Layered):
            return f"projection {name!r} goes through a Layer, which is not divided; give a topology instead"
    if not is_concrete(net):
        return "its numbers are being traced; divide it outside jit"
    for name, population in net.populations.items():
        n, kind = population.n, type(population.neuron).__name__
        if any(x.shape != (n,) for x in jax.tree.leaves(jax.eval_shape(population.rest))):
            return f"the state of {kind}, the neuron of {name!r}, or of its ports is not one number a neuron"
    return None


def _unheard(rule: Chain, graph: AbstractGraph) -> str | None:
    """What a rule reads that synapses on another device do not hear of; None if they hear all."""
    for part in rule.parts:
        if reads_membranes(part, "pre", graph.n_pre, graph.n_post):
            return f"({type(part).__name__}) reads membranes of sending neurons, which are on other devices"
        if isinstance(part, AbstractModifier) and reads_membranes(part, "post", graph.n_pre, graph.n_post):
            return f"({type(part).__name__}) counts membranes of receiving neurons, which are on other devices"
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
        if p.reliability is not None:
            p, places = _listed(p)
            graph, per_synapse = self._list(p)
            graph = PartOfList(graph.start, graph.post, graph.n_pre, graph.n_post, graph.width, per_synapse(places))
        elif isinstance(p.graph, SparseGraph):
            graph, per_synapse = self._list(p)
        else:
            graph, per_synapse = self._matrix(p)
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
            plastic=None if p.plastic is None else self._learning(p, p.plastic, graph, own),
        )

    def _learning(self, p: Projection, learning: Learning, graph: AbstractGraph, own: Callable[..., Array]) -> Learning:
        """What makes the parts plastic; `own(x, fill)`: the numbers of their synapses, stacked."""
        size, flat = math.prod(p.graph.shape), lambda x: x.reshape(p.graph.shape) if x.ndim else x
        axonal, dendritic = (own(flat(x), 0) for x in (learning.axonal, learning.index.dendritic))
        number = own(np.arange(size, dtype=np.int32), size) if isinstance(p.graph, SparseGraph) else None
        arrays, rest = eqx.partition(learning.rule, eqx.is_array)
        return LearningPart(
            eqx.combine(jax.tree.map(self._same, arrays), rest),
            own(learning.axonal, 0),
            self._stacked(lambda i: _index(self._part((graph, axonal, dendritic), i), learning.index.slots)),
            self.shards,
            p.graph.n_post,
            size,
            number,
            any(reads_membranes(part, "post", p.graph.n_pre, p.graph.n_post) for part in learning.rule.parts),
        )

    def _part(self, tree: Any, i: int) -> Any:
        """The part of device `i`, which is one of this process."""

        def here(x: Array) -> np.ndarray:
            return next(np.asarray(s.data)[0] for s in x.addressable_shards if s.index[0].start in (i, None))

        return jax.tree.map(here, tree)

    def _stacked(self, part: Callable[[int], Any]) -> Any:
        """`part(i)` of every device `i` that this process has, arrays of equal shapes, stacked."""
        trees = {i: part(i) for i in self._own()}
        leaves = {i: jax.tree.leaves(tree) for i, tree in trees.items()}
        some = next(iter(trees.values()))
        put = [self.put(lambda i, k=k: leaves[i][k], x.dtype) for k, x in enumerate(jax.tree.leaves(some))]
        return jax.tree.unflatten(jax.tree.structure(some), put)

    def _own(self) -> list[int]:
        """The devices of this process."""
        every = enumerate(np.ravel(self.mesh.devices))
        return [i for i, device in every if device.process_index == jax.process_index()]

    def put(self, part: Callable[[int], np.ndarray], dtype: Any) -> Array:
        """`part(i)` of every device `i` that this process has, stacked."""
        devices = np.ravel(self.mesh.devices)
        parts = [jax.device_put(np.asarray(part(i), dtype)[None], devices[i]) for i in self._own()]
        shape = (self.shards.number, *parts[0].shape[1:])
        return jax.make_array_from_single_device_arrays(shape, self.sharding, parts)

    def _same(self, x: Any) -> Array:
        known = np.asarray(x)
        return self.put(lambda i: known, known.dtype)

    def _senders(self, p: Projection) -> int:
        """The presynaptic neurons of a part: with the padding of all devices, which plastic synapses leave out."""
        return p.graph.n_pre if p.plastic is not None else self.shards.number * self.shards.own(p.graph.n_pre)

    def _list(self, p: Projection) -> Any:
        graph: Any = p.graph
        number, own, senders = self.shards.number, self.shards.own(graph.n_post), self._senders(p)
        start = np.asarray(graph.start)
        real = int(start[-1])
        pre = np.repeat(np.arange(graph.n_pre, dtype=np.int32), np.diff(start))
        post = np.asarray(graph.post)
        device = post[:real] // own
        mine = [np.flatnonzero(device == i) for i in range(number)]
        begins = [np.append(0, np.cumsum(np.bincount(pre[here], minlength=senders))) for here in mine]
        if p.plastic is not None:  # what is behind the last synapse is seen among the weights, too
            mine = [np.append(here, np.arange(real + i, post.size, number)) for i, here in enumerate(mine)]
        room = max(1, *(here.size for here in mine))

        def per_synapse(x: np.ndarray, fill: int = 0) -> Array:
            def part(i: int) -> np.ndarray:
                return np.pad(x[mine[i]], (0, room - mine[i].size), constant_values=fill)

            return self.put(part, x.dtype)

        width = max(int(np.max(np.diff(begin))) for begin in begins)
        parts = self.put(begins.__getitem__, np.int32), per_synapse(post % own)
        return SparseGraph(*parts, senders, own, max(1, width)), per_synapse

    def _matrix(self, p: Projection) -> Any:
        graph: Any = p.graph
        number, own, senders = self.shards.number, self.shards.own(graph.n_post), self._senders(p)

        def per_pair(x: np.ndarray, fill: int = 0) -> Array:
            padded = np.full((senders, number * own), fill, x.dtype)
            padded[: graph.n_pre, : graph.n_post] = x
            return self.put(lambda i: padded[:, i * own : (i + 1) * own], x.dtype)

        # pairs with a neuron that is padding have no synapse
        count = np.ones(graph.shape, np.int8) if graph.count is None else np.asarray(graph.count)
        return DenseGraph(per_pair(count), senders, own), per_pair


def _listed(p: Projection) -> tuple[Projection, np.ndarray]:
    """The projection with a list of its synapses, and their numbers on one device, on which their draws depend."""
    if isinstance(p.graph, SparseGraph):
        return p, np.arange(p.graph.post.size, dtype=np.int32)
    graph: Any = p.graph
    there = np.ones(graph.shape, bool) if graph.count is None else np.asarray(graph.count) > 0
    start = np.append(0, np.cumsum(np.count_nonzero(there, axis=1))).astype(np.int32)
    post = np.nonzero(there)[1].astype(np.int32)
    flat = lambda x: x if x is None or x.ndim == 0 else np.asarray(x)[there]
    edges = SparseGraph(on_device(start), on_device(post), graph.n_pre, graph.n_post, graph.n_post)
    return _with(p, graph=edges, weight=flat(p.weight), delay=flat(p.delay)), np.flatnonzero(there).astype(np.int32)


def _index(part: tuple[AbstractGraph, Array, Array], slots: tuple[int, int]) -> SynapseIndex:
    """The index of a part: its graph and the two shares of its delays."""
    graph, axonal, dendritic = part
    with jax.ensure_compile_time_eval():
        return synapse_index(graph, axonal, dendritic, slots, alike=True)


def _with(p: Projection, **parts: Any) -> Projection:
    """A copy with other parts, without the checks of one that is built."""
    names = tuple(parts)
    get = lambda p: tuple(getattr(p, name) for name in names)
    return eqx.tree_at(get, p, tuple(parts[name] for name in names), is_leaf=lambda x: x is None)


def shortest(net: Network) -> int:
    """The shortest delay behind a synapse, steps; 0 if spikes act in the step in which they are fired.

    A spike may not have left the ring slot of the step in which a plastic synapse sends it on: its dendritic delay
    counts.
    """

    def known(p: Projection) -> int:
        if p.delay is None:
            return 0
        steps = p.delay if p.plastic is None else p.plastic.meeting(p.delay).dendritic
        return int(np.min(np.asarray(steps), initial=p.max_delay))

    return min(map(known, net.projections.values()), default=1)
