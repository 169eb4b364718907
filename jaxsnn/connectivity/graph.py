"""How synapses are held: `Sparse()` as a list of edges, `Dense()` as a matrix. Who connects is the topology's."""

import abc
import math
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from .._types import is_concrete, on_device, on_host
from .topology import AbstractTopology, AllToAll, Edges

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


class AbstractGraph(eqx.Module):
    """The synapses of one projection without their weights and delays."""

    n_pre: AbstractVar[int]
    n_post: AbstractVar[int]
    width: AbstractVar[int]  # the most synapses of a sender, or a good estimate

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of weights and delays that differ between synapses."""

    @property
    def merged(self) -> Bool[Array, "..."] | None:
        """Pairs whose synapses are several and held as one, by the sum of their weights; None where none can be.

        That is the same network as long as all of them do the same: not if each learns, draws or has its own delay.
        """
        return None

    @abc.abstractmethod
    def arrange(self, per_edge: Array, edges: Edges) -> Array:
        """Numbers given for every edge, brought into `shape` (weights of several synapses between a pair add up)."""

    @abc.abstractmethod
    def starts(self) -> Int[Array, " n_pre+1"]:
        """Where the synapses of each sender begin, in the order of `synapses`; what is behind the last is padding."""

    @abc.abstractmethod
    def targets(self, weight: Array, delay: Array) -> tuple[Array, Array, Array]:
        """`(post, weight, delay)` of every synapse, in the order of their senders."""

    def synapses(self, weight: Array, delay: Array) -> tuple[Array, Array, Array, Array]:
        """`(pre, post, weight, delay)` of every synapse, sorted by `pre`; padding has `pre == n_pre`."""
        post, weight, delay = self.targets(weight, delay)
        return senders_of_rows(self.starts(), post.shape[0]), post, weight, delay


class AbstractConnectivity(eqx.Module):
    """How a projection holds and delivers its synapses."""

    @abc.abstractmethod
    def lay(self, edges: Edges, topology: AbstractTopology) -> AbstractGraph:
        """The graph that holds these edges."""


class Sparse(AbstractConnectivity):
    """A list of edges; delivery costs what the spikes cost, and every synapse may have its own delay."""

    def lay(self, edges: Edges, topology: AbstractTopology) -> "SparseGraph":
        width = topology.fan_out(edges.n_pre, edges.n_post)
        start = row_starts(edges.pre, edges.n_pre) if edges.start is None else edges.start
        return SparseGraph(start, edges.post, edges.n_pre, edges.n_post, width)


def row_starts(pre: Int[Array, " edges"], n_pre: int) -> Int[Array, " n_pre+1"]:
    """Where the edges of each sender begin, of edges in the order of their senders, with padding `n_pre` at the end."""
    if is_concrete(pre):  # by NumPy, which compiles nothing
        return on_device(np.searchsorted(np.asarray(pre), np.arange(n_pre + 1, dtype=np.int32)).astype(np.int32))
    return jnp.searchsorted(pre, jnp.arange(n_pre + 1, dtype=jnp.int32)).astype(jnp.int32)


def senders_of_rows(start: Int[Array, " n_pre+1"], edges: int) -> Int[Array, " edges"]:
    """The sender of every edge, from where the edges of each sender begin; `n_pre` for padding."""
    if is_concrete(start):
        begin = np.asarray(start)
        each = np.append(np.diff(begin), edges - begin[-1])
        return on_device(np.repeat(np.arange(len(begin), dtype=np.int32), each))
    return at_or_before(start, edges) - 1


def at_or_before(numbers: Int[Array, " n"], places: int) -> Int[Array, " places"]:
    """How many of `numbers`, which ascend, are at most 0, 1, 2, ..."""
    return _summed(numbers, 1, places)


def valued(begin: Int[Array, " n"], values: Any, places: int) -> Int[Array, " places"]:
    """`values[k]` in the places from `begin[k]` on, which ascend from 0: a sum of differences."""
    return _summed(begin, jnp.diff(values, prepend=np.int32(0)), places)


def _summed(numbers: Array, values: Any, places: int) -> Array:
    """Said to ascend, places need no sort on a TPU, which takes seconds to compile."""
    return jnp.cumsum(jnp.zeros(places, jnp.int32).at[numbers].add(values, mode="drop", indices_are_sorted=True))


class SparseGraph(AbstractGraph):
    """Edges in the order of their senders: those of sender `i` are `start[i] : start[i + 1]`, four bytes each."""

    start: Int[Array, " n_pre+1"]
    post: Int[Array, " edges"]
    n_pre: int = eqx.field(static=True)
    n_post: int = eqx.field(static=True)
    width: int = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.post.shape

    @property
    def pre(self) -> Int[Array, " edges"]:
        """The sender of every edge, counted out of `start`; `n_pre` for padding."""
        return senders_of_rows(self.start, self.post.shape[0])

    @property
    def real(self) -> Bool[Array, " edges"]:
        """Which edges are none of padding."""
        start, xp = (np.asarray(self.start), np) if is_concrete(self.start) else (self.start, jnp)
        return xp.arange(self.post.shape[0], dtype=np.int32) < start[-1]

    def arrange(self, per_edge: Array, edges: Edges) -> Array:
        return per_edge

    def starts(self) -> Int[Array, " n_pre+1"]:
        return self.start

    def targets(self, weight: Array, delay: Array) -> tuple[Array, Array, Array]:
        return self.post, jnp.broadcast_to(weight, self.shape), jnp.broadcast_to(delay, self.shape)


class PartOfList(SparseGraph):
    """Some edges of a longer list; `number`: their places in it, on which what they draw depends."""

    number: Int[Array, " edges"]


class Dense(AbstractConnectivity):
    """A matrix of weights: the right choice for layers, and for graphs with more than about one pair in ten connected.

    Several synapses between a pair (multapses, which `FixedInDegree` and others draw) are one weight, their sum. Where
    each of them has a life of its own, with a rule, a release that draws or delays that differ, that is another network
    and refused: take `Sparse()`, or a topology with `multapses=False`.

    On a CPU a step reads only the rows of neurons that fired; elsewhere, and under differentiation, it is a product.
    """

    def lay(self, edges: Edges, topology: AbstractTopology) -> "DenseGraph":
        n_pre, n_post = edges.n_pre, edges.n_post
        if n_pre * n_post >= 2**31:
            raise ValueError(
                f"Dense() would hold a matrix of {n_pre} x {n_post} = {n_pre * n_post} pairs; expected fewer than "
                "2^31: take via=Sparse(), or split the projection."
            )
        if isinstance(topology, AllToAll) and edges.pre.shape[0] == n_pre * n_post:
            return DenseGraph(None, n_pre, n_post)
        several = edges.pre.shape[0] / max(n_pre * n_post, 1)
        small = several + 10.0 * math.sqrt(several) + 10.0 < 127.0  # so few synapses a pair fit a byte
        kind = np.int8 if small else np.int32
        if is_concrete(edges):  # by NumPy, which compiles nothing
            pre, post = np.asarray(edges.pre), np.asarray(edges.post)
            pair = (pre.astype(np.int64) * n_post + post)[pre < n_pre]
            count = np.bincount(pair, minlength=n_pre * n_post).reshape(n_pre, n_post).astype(kind)
            return DenseGraph(on_device(count), n_pre, n_post)
        ones = jnp.ones(edges.pre.shape, jnp.int32)
        count = jnp.zeros((n_pre, n_post), jnp.int32).at[edges.pre, edges.post].add(ones, mode="drop")
        return DenseGraph(count.astype(kind), n_pre, n_post)


class DenseGraph(AbstractGraph):
    """How many synapses each pair has; None where each has one. A byte a pair, so that more of it stays in cache."""

    count: Int[Array, "pre post"] | None
    n_pre: int = eqx.field(static=True)
    n_post: int = eqx.field(static=True)

    @property
    def width(self) -> int:
        return self.n_post

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_pre, self.n_post)

    @property
    def merged(self) -> Bool[Array, "pre post"] | None:
        return None if self.count is None else on_host(self.count) > 1

    def arrange(self, per_edge: Array, edges: Edges) -> Array:
        if self.count is None:
            return per_edge.reshape(self.shape)
        if is_concrete(per_edge, edges):
            values, out = np.asarray(per_edge), np.zeros(self.shape, per_edge.dtype)
            real = np.asarray(edges.pre) < self.n_pre
            np.add.at(out, (np.asarray(edges.pre)[real], np.asarray(edges.post)[real]), values[real])
            return on_device(out)
        return jnp.zeros(self.shape, per_edge.dtype).at[edges.pre, edges.post].add(per_edge, mode="drop")

    def starts(self) -> Int[Array, " n_pre+1"]:
        return jnp.arange(self.n_pre + 1, dtype=jnp.int32) * self.n_post

    def masked(self, weight: Array) -> Array:
        """Weights of shape `(pre, post)`, zero where there is no synapse, also after an optimiser set them."""
        return weight if self.count is None else jnp.where(self.count > 0, weight, 0)

    def targets(self, weight: Array, delay: Array) -> tuple[Array, Array, Array]:
        return self.synapses(weight, delay)[1:]

    def synapses(self, weight: Array, delay: Array) -> tuple[Array, Array, Array, Array]:
        if is_concrete(weight, delay, self.count):  # by NumPy, which compiles nothing
            pre, post, weight, delay = map(on_device, on_host(self)._flat(*on_host((weight, delay)), np))
        else:
            pre, post, weight, delay = self._flat(weight, delay, jnp)
        return pre, post, weight, delay

    def _flat(self, weight: Any, delay: Any, xp: Any) -> list[Any]:
        if self.count is not None:
            none = np.zeros((), weight.dtype)
            each = weight if weight.ndim else weight * self.count.astype(weight.dtype)
            weight = xp.where(self.count > 0, each, none)
        pre, post = xp.indices(self.shape, np.int32)
        return [xp.broadcast_to(x, self.shape).reshape(-1) for x in (pre, post, weight, delay)]
