"""The synapses of a plastic projection, found by either neuron: the rows of senders, the columns of receivers."""

import abc
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int

from .._types import check, is_concrete
from ..connectivity.graph import AbstractGraph, DenseGraph

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar

Block = Any  # (k, width): all numbers of some synapses


class AbstractSegments(eqx.Module):
    """The synapses of each neuron of one side. Those with the same delay form a segment.

    A segment is processed in pieces of `width` synapses.
    """

    width: AbstractVar[int]

    @abc.abstractmethod
    def segment(self, neuron: Array, delay: Array) -> tuple[Array, Array]:
        """The first place of the segment of a neuron and a delay (steps), and the place behind its last."""

    @abc.abstractmethod
    def piece(self, at: Array, end: Array) -> tuple[Any, Int[Array, " width"], Bool[Array, " width"]]:
        """Where to read and write a piece, the neurons on its other side, and which places are in the segment."""

    @abc.abstractmethod
    def span(self, neuron: Array, delay: Array) -> tuple[Array, Array]:
        """The first position in the segment of a neuron and a delay, and the position behind its last."""

    @abc.abstractmethod
    def synapse(self, neuron: Array, position: Array) -> tuple[Array, Array]:
        """The synapse at a position of the segment of a neuron, and the neuron on its other side."""

    def shaped(self, synapses: Block) -> Any:
        """The array in the shape that `read` and `write` take; done outside the loop, where XLA would copy it."""
        return synapses

    @abc.abstractmethod
    def slice(self, x: Array, where: Any) -> Array:
        """The entries of a piece in an array with one number a synapse; an array of shape `()` is returned as it is."""

    @abc.abstractmethod
    def read(self, synapses: Any, where: Any) -> Block:
        """The weights and state variables of the synapses of a piece."""

    @abc.abstractmethod
    def write(self, synapses: Any, where: Any, block: Block) -> Any:
        """All synapses, those of a piece replaced."""


class Contiguous(AbstractSegments):
    """Segments that are contiguous in memory: the rows of a list that is sorted by sender, or of a matrix."""

    start: Int[Array, " n+1"]
    other: Int[Array, " synapses"]
    width: int = eqx.field(static=True)

    def segment(self, neuron, delay):
        return self.start[neuron], self.start[neuron + 1]

    def piece(self, at, end):
        first = jnp.minimum(at, self.other.shape[0] - self.width)  # JAX would move a slice that reached over the end
        place = first + jnp.arange(self.width, dtype=jnp.int32)
        return first, self.slice(self.other, first), (place >= at) & (place < end)

    def span(self, neuron, delay):
        return self.segment(neuron, delay)

    def synapse(self, neuron, position):
        return position, self.other[position]

    def slice(self, x: Array, first: Array) -> Array:
        return lax.dynamic_slice(x, (first,), (self.width,)) if x.ndim else x

    def read(self, synapses, where):
        return lax.dynamic_slice_in_dim(synapses, where, self.width, axis=1)

    def write(self, synapses, where, block):
        return lax.dynamic_update_slice_in_dim(synapses, block, where, axis=1)


class Indexed(AbstractSegments):
    """Segments with a list of their places: columns, and rows in which each synapse has a delay of its own."""

    start: Int[Array, " n*delays+1"]
    ids: Int[Array, " synapses"]
    other: Int[Array, " synapses"]
    delays: int = eqx.field(static=True)
    width: int = eqx.field(static=True)

    def segment(self, neuron, delay):
        at = neuron * self.delays + delay if self.delays > 1 else neuron
        return self.start[at], self.start[at + 1]

    def piece(self, at, end):
        first = jnp.minimum(at, self.ids.shape[0] - self.width)
        place = first + jnp.arange(self.width, dtype=jnp.int32)
        inside = (place >= at) & (place < end)
        part = lambda x: lax.dynamic_slice(x, (first,), (self.width,))
        outside = self.ids.shape[0] + jnp.arange(
            self.width, dtype=jnp.int32
        )  # distinct places, so that writes are unique
        return jnp.where(inside, part(self.ids), outside), part(self.other), inside

    def span(self, neuron, delay):
        return self.segment(neuron, delay)

    def synapse(self, neuron, position):
        return self.ids[position], self.other[position]

    def slice(self, x: Array, where: Array) -> Array:
        return x.at[where].get(mode="clip") if x.ndim else x

    def read(self, synapses, where):
        return synapses.at[:, where].get(mode="fill", fill_value=0)

    def write(self, synapses, where, block):
        return synapses.at[:, where].set(block, mode="drop", unique_indices=True)


class MatrixRows(AbstractSegments):
    """The rows of a matrix."""

    n_pre: int = eqx.field(static=True)
    n_post: int = eqx.field(static=True)

    @property
    def width(self) -> int:
        return self.n_post

    def segment(self, neuron, delay):
        return neuron, neuron + 1

    def piece(self, at, end):
        return at * self.n_post, jnp.arange(self.n_post, dtype=jnp.int32), jnp.ones(self.n_post, bool)

    def span(self, neuron, delay):
        return jnp.zeros_like(neuron), jnp.full_like(neuron, self.n_post)

    def synapse(self, neuron, position):
        return neuron * self.n_post + position, position

    def slice(self, x: Array, where: Array) -> Array:
        return lax.dynamic_slice(x, (where,), (self.n_post,)) if x.ndim else x

    def read(self, synapses, where):
        return lax.dynamic_slice_in_dim(synapses, where, self.n_post, axis=1)

    def write(self, synapses, where, block):
        return lax.dynamic_update_slice_in_dim(synapses, block, where, axis=1)


class MatrixColumns(AbstractSegments):
    """The columns of a matrix."""

    n_pre: int = eqx.field(static=True)
    n_post: int = eqx.field(static=True)

    @property
    def width(self) -> int:
        return self.n_pre

    def segment(self, neuron, delay):
        return neuron, neuron + 1

    def piece(self, at, end):
        return at, jnp.arange(self.n_pre, dtype=jnp.int32), jnp.ones(self.n_pre, bool)

    def span(self, neuron, delay):
        return jnp.zeros_like(neuron), jnp.full_like(neuron, self.n_pre)

    def synapse(self, neuron, position):
        return position * self.n_post + neuron, position

    def slice(self, x: Array, where: Array) -> Array:
        return lax.dynamic_slice_in_dim(x.reshape(self.n_pre, self.n_post), where, 1, axis=1)[:, 0] if x.ndim else x

    def shaped(self, synapses):
        return synapses.reshape(-1, self.n_pre, self.n_post)

    def read(self, synapses, where):
        return lax.dynamic_slice_in_dim(synapses, where, 1, axis=2)[:, :, 0]

    def write(self, synapses, where, block):
        return lax.dynamic_update_slice_in_dim(synapses, block[:, :, None], where, axis=2)


class SynapseIndex(eqx.Module):
    """The synapses of one projection, in the order of their weights, and their places by either neuron."""

    pre: Int[Array, " synapses"] | None  # None: a full matrix
    post: Int[Array, " synapses"] | None
    exists: Bool[Array, " synapses"] | None  # which pairs of a matrix have a synapse; None: all
    axonal: Int[Array, "..."]  # steps from the sending neuron to the synapse, () or one a synapse
    dendritic: Int[Array, "..."]  # steps from the synapse to the receiving neuron, and back
    rows: AbstractSegments
    columns: AbstractSegments
    slots: tuple[int, int] = eqx.field(static=True)  # one more than the longest axonal and dendritic delay
    n_pre: int = eqx.field(static=True)
    n_post: int = eqx.field(static=True)

    @property
    def size(self) -> int:
        return self.n_pre * self.n_post if self.pre is None else self.pre.shape[0]

    def check_delays(self, axonal: Array, dendritic: Array) -> None:
        """Raises ValueError if synapses were sorted by other delays than these."""
        for known, now in ((self.axonal, axonal), (self.dendritic, dendritic)):
            if known.ndim:
                check(
                    lambda known=known, now=now: known == now.reshape(-1),
                    "The synapses of a plastic projection are sorted by their delays, so these cannot be set: build "
                    "the projection with other delays.",
                )

    def delayed(self, axonal: Array, dendritic: Array) -> "SynapseIndex":
        """The same index with other delays, of a projection whose synapses share one delay."""
        parts = [
            now if known.ndim == 0 else known for known, now in ((self.axonal, axonal), (self.dendritic, dendritic))
        ]
        return eqx.tree_at(lambda i: (i.axonal, i.dendritic), self, tuple(parts))

    def at_pre(self, x: Array) -> Array:
        """A number of each sending neuron, spread to its synapses; 0 for padding."""
        if self.pre is None:
            return jnp.broadcast_to(x[:, None], (self.n_pre, self.n_post)).reshape(-1)
        return x.at[self.pre].get(mode="fill", fill_value=0)

    def at_post(self, x: Array) -> Array:
        """A number of each receiving neuron, spread to its synapses."""
        if self.post is None:
            return jnp.broadcast_to(x[None, :], (self.n_pre, self.n_post)).reshape(-1)
        return x.at[self.post].get(mode="clip")

    def is_real(self) -> Array | None:
        """Mask of real synapses (others are padding); None if there is no padding."""
        if self.exists is not None:
            return self.exists
        return None if self.pre is None else self.pre < self.n_pre

    def total(self, x: Array) -> Array:
        """For every synapse, the sum over all synapses of the same receiving neuron."""
        if self.post is None:
            return self.at_post(jnp.sum(x.reshape(self.n_pre, self.n_post), axis=0))
        real = self.is_real()
        x = x if real is None else jnp.where(real, x, 0)
        return self.at_post(jax.ops.segment_sum(x, self.post, num_segments=self.n_post))


def synapse_index(
    graph: AbstractGraph, axonal: Array, dendritic: Array, slots: tuple[int, int], *, alike: bool = False
) -> SynapseIndex:
    """The index of a graph, with delays in steps, `()` or one a synapse; for `slots` see `SynapseIndex`.

    `alike`: graphs of one shape have indices of one shape.
    """
    n_pre, n_post = graph.n_pre, graph.n_post
    if not isinstance(graph, DenseGraph):
        pre, post, _, _ = graph.synapses(jnp.zeros(()), jnp.zeros((), jnp.int32))
        exists = None
    else:
        exists = None if graph.count is None else (graph.count > 0).reshape(-1)
        if axonal.ndim == 0 and dendritic.ndim == 0:
            rows, columns = MatrixRows(n_pre, n_post), MatrixColumns(n_pre, n_post)
            return SynapseIndex(None, None, exists, axonal, dendritic, rows, columns, slots, n_pre, n_post)
        pre, post = (x.reshape(-1) for x in jnp.indices(graph.shape, jnp.int32))
    axonal, dendritic = (x.reshape(-1) if x.ndim else x for x in (axonal, dendritic))
    if axonal.ndim:
        rows = _indexed(pre, post, axonal, pre < n_pre, n_pre, slots[0], alike)
    else:
        start = jnp.searchsorted(pre, jnp.arange(n_pre + 1, dtype=jnp.int32)).astype(jnp.int32)
        rows = Contiguous(start=start, other=post, width=min(max(graph.width, 1), max(pre.shape[0], 1)))
    columns = _indexed(post, pre, dendritic, pre < n_pre, n_post, slots[1], alike)
    pre, post = (None, None) if isinstance(graph, DenseGraph) else (pre, post)
    return SynapseIndex(pre, post, exists, axonal, dendritic, rows, columns, slots, n_pre, n_post)


def _indexed(own: Array, other: Array, delay: Array, real: Array, n: int, slots: int, alike: bool) -> Indexed:
    """Synapses sorted by the neuron `own` and the delay; the sort is stable."""
    slots = slots if delay.ndim else 1
    segment = own * slots + delay if delay.ndim else own
    segment = jnp.where(real, segment, n * slots)
    if is_concrete(segment):
        host = np.asarray(segment)
        ids, count = np.argsort(host, kind="stable").astype(np.int32), np.bincount(host, minlength=n * slots + 1)
        least, most = count[:-1].min(initial=2**31 - 1), int(count[:-1].max(initial=1))
        width = most if least == most and not alike else _likely_width(own.shape[0], n * slots)
        start = np.concatenate([[0], np.cumsum(count[:-1])]).astype(np.int32)
        ids, start = jnp.asarray(ids), jnp.asarray(start)
    else:
        ids = jnp.argsort(segment, stable=True).astype(jnp.int32)
        start = jnp.searchsorted(segment[ids], jnp.arange(n * slots + 1, dtype=jnp.int32)).astype(jnp.int32)
        width = _likely_width(own.shape[0], n)
    other = jnp.where(real, other, 0)[ids]
    width = max(1, min(width, own.shape[0]))
    return Indexed(start=start, ids=ids, other=other, delays=slots, width=width)


def _likely_width(synapses: int, segments: int) -> int:
    """A width with which most segments are one piece. It is a shape, so it must not depend on what was drawn."""
    mean = synapses / max(segments, 1)
    return int(mean + 6.0 * mean**0.5 + 8.0)
