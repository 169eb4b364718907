"""Parts of projections, one a device, stacked: every array has a leading axis of devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Int

from ...connectivity.graph import AbstractGraph, DenseGraph, PartOfList, SparseGraph
from ...plasticity.shapes import reads_membranes
from ...plasticity.synapse_index import SynapseIndex, synapse_index
from ..projection import Learning, Projection
from ..shards import Shards
from .learning import LearningPart

Own = Callable[[Callable[[Projection], Any], float], Array]  # `own(number, fill)`: a number of every part, stacked


class Cut(NamedTuple):
    """A projection in lists: the synapses into the neurons of each device of this process, in the order of one device.

    `parts`: with the numbers that neurons have in their populations. `places`: of the synapses of a part among the
    `size` places of the whole list. `room`: for the synapses of any part. `width`: of a row of synapses.
    """

    parts: dict[int, Projection]
    places: dict[int, Int[np.ndarray, " synapses"]]
    size: int
    room: int
    width: int


class Divider:
    """Divides projections among the devices of a mesh.

    A synapse is on the device of its postsynaptic neuron. Presynaptic neurons have the numbers that they have among
    those of all devices.
    """

    def __init__(self, mesh: Mesh, shards: Shards):
        self.mesh, self.shards = mesh, shards
        self.sharding = NamedSharding(mesh, P(shards.axis))
        every = enumerate(np.ravel(mesh.devices))
        self.here = [i for i, device in every if device.process_index == jax.process_index()]  # of this process

    def lists(self, cut: Cut) -> Projection:
        """The parts of a projection, stacked."""
        some, room, receivers = cut.parts[self.here[0]], cut.room, self.shards.own(cut.parts[self.here[0]].graph.n_post)

        def padded(x: Any, fill: float) -> np.ndarray:
            return np.pad(np.asarray(x), (0, room - len(x)), constant_values=fill)

        def own(number: Callable[[Projection], Any], fill: float = 0) -> Array:
            x = number(some)
            return self.put(lambda i: padded(number(cut.parts[i]), fill), x.dtype) if x.ndim else self.same(x)

        senders = self._senders(some)
        start = lambda p: np.pad(np.asarray(p.graph.starts()), (0, senders - p.graph.n_pre), mode="edge")
        starts = self.put(lambda i: start(cut.parts[i]), np.int32)
        posts = own(lambda p: np.asarray(_edges(p).post) % receivers)
        graph = SparseGraph(starts, posts, senders, receivers, cut.width)
        number = None
        if some.plastic is not None or some.reliability is not None:
            number = self.put(lambda i: padded(cut.places[i], cut.size), np.int32)
        if some.reliability is not None:
            assert number is not None
            graph = PartOfList(starts, posts, senders, receivers, cut.width, number)
        return self._stacked(some, graph, own, number, cut.size)

    def matrix(self, p: Projection) -> Projection:
        """The columns of a matrix for every device, stacked."""
        graph: Any = p.graph
        number, receivers, senders = self.shards.number, self.shards.own(graph.n_post), self._senders(p)

        def per_pair(x: np.ndarray, fill: float = 0) -> Array:
            whole = np.full((senders, number * receivers), fill, x.dtype)
            whole[: graph.n_pre, : graph.n_post] = x.reshape(graph.shape)
            return self.put(lambda i: whole[:, i * receivers : (i + 1) * receivers], x.dtype)

        def own(number: Callable[[Projection], Any], fill: float = 0) -> Array:
            x = np.asarray(number(p))
            return per_pair(x, fill) if x.ndim else self.same(x)

        # pairs with a neuron that is padding have no synapse
        count = np.ones(graph.shape, np.int8) if graph.count is None else np.asarray(graph.count)
        return self._stacked(p, DenseGraph(per_pair(count), senders, receivers), own, None, count.size)

    def _senders(self, p: Projection) -> int:
        """The presynaptic neurons of a part: with the padding of all devices, which plastic synapses leave out."""
        return p.graph.n_pre if p.plastic is not None else self.shards.number * self.shards.own(p.graph.n_pre)

    def _stacked(self, p: Projection, graph: AbstractGraph, own: Own, number: Array | None, size: int) -> Projection:
        """The stacked projection of which `p` is a part, of that graph."""
        per_sender = lambda x: self.put(self.shards.split(np.asarray(x), p.graph.n_pre).__getitem__, x.dtype)
        # checked when it was built; stacked arrays have other shapes than the checks expect
        return replaced(
            p,
            graph=graph,
            weight=own(lambda p: p.weight, 0),
            delay=None if p.delay is None else own(lambda p: p.delay, p.max_delay),
            release=jax.tree.map(lambda x: per_sender(x) if x.ndim else self.same(x), p.release),
            overflow=self.same(p.overflow),
            late=self.same(p.late),
            plastic=None if p.plastic is None else self._learning(p, graph, own, number, size),
        )

    def _learning(self, p: Projection, graph: AbstractGraph, own: Own, number: Array | None, size: int) -> LearningPart:
        """What makes the parts plastic."""
        assert p.plastic is not None
        rule, slots = p.plastic.rule, p.plastic.index.slots
        axonal = own(lambda p: _learning(p).axonal, 0)
        dendritic = own(lambda p: _learning(p).index.dendritic, slots[1] - 1)
        arrays, rest = eqx.partition(rule, eqx.is_array)
        return LearningPart(
            eqx.combine(jax.tree.map(self.same, arrays), rest),
            axonal,
            self._each(lambda i: _index(_part((graph, axonal, dendritic), i), slots)),
            self.shards,
            p.graph.n_post,
            size,
            number,
            any(reads_membranes(part, "post", p.graph.n_pre, p.graph.n_post) for part in rule.parts),
        )

    # --- arrays -----------------------------------------------------------------------------------------------------

    def put(self, part: Callable[[int], np.ndarray], dtype: Any) -> Array:
        """`part(i)` of every device `i` that this process has, stacked."""
        devices = np.ravel(self.mesh.devices)
        parts = [jax.device_put(np.asarray(part(i), dtype)[None], devices[i]) for i in self.here]
        shape = (self.shards.number, *parts[0].shape[1:])
        return jax.make_array_from_single_device_arrays(shape, self.sharding, parts)

    def same(self, x: Any) -> Array:
        """What is the same on all devices, stacked."""
        known = np.asarray(x)
        return self.put(lambda i: known, known.dtype)

    def _each(self, part: Callable[[int], Any]) -> Any:
        """The trees `part(i)`, whose arrays have equal shapes, stacked."""
        leaves, form = {}, None
        for i in self.here:
            leaves[i], form = jax.tree.flatten(part(i))
        assert form is not None
        some = leaves[self.here[0]]
        return jax.tree.unflatten(form, [self.put(lambda i, k=k: leaves[i][k], x.dtype) for k, x in enumerate(some)])


def replaced(p: Projection, **parts: Any) -> Projection:
    """A copy with other parts, without the checks of one that is built."""
    names = tuple(parts)
    get = lambda p: tuple(getattr(p, name) for name in names)
    return eqx.tree_at(get, p, tuple(parts[name] for name in names), is_leaf=lambda x: x is None)


def _edges(p: Projection) -> SparseGraph:
    assert isinstance(p.graph, SparseGraph)
    return p.graph


def _learning(p: Projection) -> Learning:
    assert p.plastic is not None
    return p.plastic


def _part(tree: Any, i: int) -> Any:
    """The part of device `i`, which is one of this process."""

    def here(x: Array) -> np.ndarray:
        return next(np.asarray(s.data)[0] for s in x.addressable_shards if s.index[0].start in (i, None))

    return jax.tree.map(here, tree)


def _index(part: tuple[AbstractGraph, Array, Array], slots: tuple[int, int]) -> SynapseIndex:
    """The index of a part: its graph and the two shares of its delays."""
    with jax.ensure_compile_time_eval():
        return synapse_index(*part, slots, alike=True)
