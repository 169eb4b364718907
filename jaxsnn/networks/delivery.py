"""Delivery: from the spikes of a step into ring slots, one class for each way of storing synapses."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .. import _random
from .._xla import by_device
from ..connectivity.dense import Slots, add_rows, rows_of
from ..connectivity.graph import DenseGraph
from ..connectivity.layer import Layered
from ..connectivity.merge import Piece, alone, lists
from ..connectivity.product import product
from ..connectivity.ring import Ring
from ..connectivity.sparse import Rows
from ..connectivity.spikes import Spikes
from ..connectivity.stochastic import StochasticRelease
from ..plasticity.plastic import Cells, Plastic
from ..plasticity.update import Columns
from .layout import Layout
from .projection import Projection
from .shards import Shards

Projections = dict[str, dict[str, Any]]  # states by projection


class Sent(eqx.Module):
    """Everything sent in a step: the spikes of every group of populations, and the amplitudes of releases."""

    groups: dict[str, Float[Array, " n"]]
    everybody: Spikes | None  # side by side, for lists; None where there are none
    senders: Mapping[str, Float[Array, " n"] | Spikes]
    layout: Layout

    @property
    def spikes(self) -> dict[str, Float[Array, " n"]]:
        """The spikes of every population."""
        return self.layout.apart(self.groups)

    def of(self, sender: str) -> Spikes:
        """The spikes of a population, or the amplitudes of a projection with a release."""
        if self.everybody is not None:
            return self.everybody.part(*self.layout.sender(sender))
        own = self.senders[sender]
        return own if isinstance(own, Spikes) else Spikes.found(own)

    def words(self, population: str) -> Array:
        """The spikes of a population as bits."""
        return self.of(population).words

    def all(self, population: str, n: int) -> Spikes:
        """The spikes of all `n` neurons of a population."""
        if self.layout.shards is None:
            return Spikes(self.spikes[population], self.words(population))
        return self.of(population).first(n)

    def here(self, population: str) -> Spikes:
        """The spikes of those neurons of a population that are on this device."""
        if self.layout.shards is None:
            return Spikes(self.spikes[population], self.words(population))
        return self.layout.shards.spikes_here(self.of(population), dict(self.layout.sizes)[population])


class Moment(NamedTuple):
    """The inputs of a delivery beside the spikes of a step."""

    t: Int[Array, ""]
    key: Array
    membranes: Callable[[str], Array | None]
    modulators: dict[str, Array]
    neurons: Callable[[str], Any]  # their state behind the threshold, by population


class AbstractDelivery(eqx.Module):
    """Prepared synapses of one or several projections."""

    @abc.abstractmethod
    def deliver(
        self, ring: Float[Array, " places"], projections: Projections, sent: Sent, now: Moment
    ) -> tuple[Array, Projections]:
        """The ring with the arrivals added, and the changed states of projections."""


class AbstractSameStep(eqx.Module):
    """The prepared synapses of a projection without delay."""

    @abc.abstractmethod
    def arrivals(self, sent: Spikes, projections: Projections, t: Array, key: Array) -> Float[Array, " post"]:
        """The arrival at every postsynaptic neuron."""

    def over_steps(self, sent: Float[Array, "steps pre"], key: Array) -> Float[Array, "steps post"]:
        """The arrivals of many steps, for synapses without a state."""
        return jax.vmap(lambda amplitude: self.arrivals(Spikes.found(amplitude), {}, jnp.int32(0), key))(sent)


# --- lists of synapses ------------------------------------------------------------------------------------------------


class Lists(AbstractDelivery):
    """The synapses of all sparse projections, in one list."""

    rows: Rows

    def deliver(self, ring, projections, sent, now):
        assert sent.everybody is not None
        return self.rows.deliver(ring, sent.everybody, now.t), projections


class SameStepList(AbstractSameStep):
    """The synapses of one sparse projection, without delay."""

    rows: Rows

    def arrivals(self, sent, projections, t, key):
        return self.rows.deliver(self.rows.ring.empty(sent.amplitude.dtype), sent, jnp.int32(0))


# --- lists whose synapses draw ----------------------------------------------------------------------------------------


class Draws(eqx.Module):
    """The synapses of a projection that transmit a spike; the draw depends on no other projection."""

    name: str = eqx.field(static=True)
    reliability: Float[Array, " n_pre"]
    sites: int = eqx.field(static=True)

    @classmethod
    def of(cls, name: str, p: Projection, shards: Shards | None) -> Draws:
        release, reliability = p.release, p.reliability
        assert release is not None and reliability is not None
        if shards is not None and reliability.ndim:  # of own senders
            reliability = shards.everywhere(reliability, p.graph.n_pre)
        return cls(name, jnp.broadcast_to(reliability, (p.graph.n_pre,)), release.sites)

    def at(self, t: Array, key: Array) -> StochasticRelease:
        return StochasticRelease(_random.stream(key, f"{self.name}.release"), t, self.reliability, self.sites)


class StochasticList(AbstractDelivery):
    """The list of a projection whose synapses draw whether they transmit."""

    rows: Rows
    draws: Draws

    def deliver(self, ring, projections, sent, now):
        own = sent.of(self.draws.name)
        return self.rows.deliver(ring, own, now.t, self.draws.at(now.t, now.key)), projections


class SameStepStochasticList(AbstractSameStep):
    """The same within a step."""

    rows: Rows
    draws: Draws

    def arrivals(self, sent, projections, t, key):
        empty = self.rows.ring.empty(sent.amplitude.dtype)
        return self.rows.deliver(empty, sent, jnp.int32(0), self.draws.at(t, key))


# --- matrices ---------------------------------------------------------------------------------------------------------


class Block(eqx.Module):
    """Columns of a matrix that lead to one port: columns of the ring from `first` on, times `scale`, after `delay`
    steps.

    `scale=None` means 1; multiplying by ones would cost one more pass over the chunk.
    """

    first: int = eqx.field(static=True)
    n: int = eqx.field(static=True)
    scale: Array | None
    delay: Array


class Matrices(AbstractDelivery):
    """The dense projections of one sender, side by side in one matrix, each with a single delay."""

    sender: str = eqx.field(static=True)
    matrix: Array  # (pre, targets): weights, or numbers of synapses that all have the weight `scale`
    blocks: tuple[Block, ...]
    ring: Ring = eqx.field(static=True)

    def deliver(self, ring, projections, sent, now):
        given = (ring, sent.of(self.sender), self.matrix, self.blocks, now.t)
        return by_device(self._one_by_one, self._together, *given), projections

    def _one_by_one(self, ring: Array, spikes: Spikes, matrix: Array, blocks: tuple[Block, ...], t: Array) -> Array:
        carried, at = rows_of(spikes, matrix), 0
        for block in blocks:
            part = carried[at : at + block.n]
            arrived, at = part if block.scale is None else block.scale * part, at + block.n
            ring = self.ring.add(ring, t + block.delay, block.first, arrived)
        return ring

    def _together(self, ring: Array, spikes: Spikes, matrix: Array, blocks: tuple[Block, ...], t: Array) -> Array:
        one = jnp.ones((), ring.dtype)
        given = [x for block in blocks for x in (block.delay, one if block.scale is None else block.scale)]
        to = Slots(self.ring, tuple(block.n for block in blocks), tuple(block.first for block in blocks))
        return add_rows(ring, spikes, matrix, t, given, to)


class SameStepMatrix(AbstractSameStep):
    """The matrix of one projection."""

    matrix: Array
    scale: Array | None

    def arrivals(self, sent, projections, t, key):
        carried = rows_of(sent, self.matrix)
        return carried if self.scale is None else self.scale * carried

    def over_steps(self, sent, key):
        carried = product(sent, self.matrix.astype(sent.dtype))
        return carried if self.scale is None else self.scale * carried


def _matrix(p: Projection, graph: DenseGraph) -> tuple[Array, Array | None]:
    """A matrix and its common factor."""
    if p.weight.ndim:
        return graph.masked(p.weight), None
    return jnp.ones(graph.shape, jnp.int8) if graph.count is None else graph.count, p.weight


# --- modules ----------------------------------------------------------------------------------------------------------


class ThroughModule(AbstractDelivery):
    """A projection through a module."""

    name: str = eqx.field(static=True)
    sender: str = eqx.field(static=True)
    layer: Layered
    delay: Array
    first: int = eqx.field(static=True)
    ring: Ring = eqx.field(static=True)

    def deliver(self, ring, projections, sent, now):
        arrived = self.layer.arrivals(sent.of(self.sender).amplitude, _layer_key(now.key, self.name))
        return self.ring.add(ring, now.t + self.delay, self.first, arrived), projections


class SameStepModule(AbstractSameStep):
    """The same within a step."""

    name: str = eqx.field(static=True)
    layer: Layered

    def arrivals(self, sent, projections, t, key):
        return self.layer.arrivals(sent.amplitude, _layer_key(key, self.name))


def _layer_key(key: Array, name: str) -> Array:
    """The key of a module, the same in every step, so that the mask of a dropout is drawn once for a run."""
    return _random.named_key(key, f"{name}.layer")


# --- synapses that learn ----------------------------------------------------------------------------------------------


class PlasticSynapses(AbstractDelivery):
    """A plastic projection: the changes by the spikes of the step, and the delivery of those that reach synapses
    now.
    """

    name: str = eqx.field(static=True)
    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    sender: str = eqx.field(static=True)
    plastic: Plastic
    columns: Columns | None = eqx.field(static=True)  # None: it delivers within the step

    def deliver(self, ring, projections, sent, now):
        n_pre, divided = self.plastic.index.n_pre, sent.layout.shards is not None
        before, behind = sent.all(self.pre, n_pre), sent.here(self.post)
        pre = Cells(before.amplitude, None if divided else now.membranes(self.pre), words=before.words)
        post = Cells(behind.amplitude, now.membranes(self.post), words=behind.words)
        if self.sender != self.pre:
            pre = pre._replace(sent=sent.of(self.sender).amplitude[:n_pre])
        state, everybody = projections[self.name], None
        if divided:
            spikes = sent.all(self.post, self.plastic.receivers)
            everybody = Cells(spikes.amplitude, None, words=spikes.words)
        given = now.t, pre, post, now.modulators, everybody
        buffer = None if self.columns is None else ring
        try:
            learnt, buffer = self.plastic.step(state["plastic"], buffer, self.columns, *given)
        except ValueError as error:
            raise ValueError(f"Projection {self.name!r}: {error}") from None
        ring = ring if buffer is None else buffer
        return ring, {**projections, self.name: {**state, "plastic": learnt}}


class SameStepPlastic(AbstractSameStep):
    """A plastic projection without delay; it delivers with the weights at the start of the step."""

    name: str = eqx.field(static=True)
    plastic: Plastic
    ordered: bool = eqx.field(static=True)

    def arrivals(self, sent, projections, t, key):
        return self.plastic.arrivals(projections[self.name]["plastic"], sent, ordered=self.ordered)


# --- from projections -------------------------------------------------------------------------------------------------


def sender_of(name: str, p: Projection) -> str:
    """The name of the sender of a projection: its own name if it has a release, else its population's."""
    return p.pre if p.release is None else name


def same_step(
    name: str, p: Projection, dt: float, *, differentiated: bool, ordered: bool, shards: Shards | None = None
) -> AbstractSameStep:
    """A projection without delay, or its part on one device. `ordered`: arrivals are summed in the order of senders."""
    if p.plastic is not None:
        return SameStepPlastic(name, p.plastic.of(p.delay, dt), ordered)
    if isinstance(p.graph, Layered):
        return SameStepModule(name, p.graph)
    if isinstance(p.graph, DenseGraph) and p.reliability is None:
        return SameStepMatrix(*_matrix(p, p.graph))
    piece = Piece(p.graph, p.weight, jnp.zeros((), jnp.int32), 0, 0)
    rows = alone(piece, p.graph.n_pre, Ring(1, p.graph.n_post, ordered), differentiated=differentiated)
    return SameStepList(rows) if p.reliability is None else SameStepStochasticList(rows, Draws.of(name, p, shards))


def deliveries(
    projections: dict[str, Projection], layout: Layout, dt: float, *, differentiated: bool
) -> tuple[AbstractDelivery, ...]:
    """The deliveries of a step: merged lists first, plastic projections last."""
    ring, pieces, drawing, matrices, modules, plastic = layout.ring, [], [], {}, [], []
    for name, p in projections.items():
        if p.synapse is not None:
            continue  # see `clocked`
        sender = sender_of(name, p)
        columns = layout.columns(f"{p.post}.{p.port}")
        if p.plastic is not None:
            into = None if p.delay is None else Columns(ring, columns.first)
            plastic.append(PlasticSynapses(name, p.pre, p.post, sender, p.plastic.of(p.delay, dt), into))
        elif p.delay is None:
            continue  # see `same_step`
        elif isinstance(p.graph, Layered):
            modules.append(ThroughModule(name, sender, p.graph, p.delay, columns.first, ring))
        elif p.reliability is not None:
            piece = Piece(p.graph, p.weight, p.delay, 0, columns.first)
            rows = alone(piece, p.graph.n_pre, ring, differentiated=differentiated)
            drawing.append(StochasticList(rows, Draws.of(name, p, layout.shards)))
        elif isinstance(p.graph, DenseGraph) and p.delay.ndim == 0:
            matrix, scale = _matrix(p, p.graph)
            block = Block(columns.first, columns.n, scale, p.delay)
            matrices.setdefault((sender, matrix.dtype), []).append((matrix, block))
        else:
            pieces.append(Piece(p.graph, p.weight, p.delay, layout.sender(sender).first, columns.first))
    listed = lists(pieces, layout.senders, ring, differentiated=differentiated) if pieces else ()
    dense = [  # one matrix for all projections of a sender and type, so that its spikes are searched once
        Matrices(sender, jnp.concatenate([m for m, _ in some], axis=1), tuple(block for _, block in some), ring)
        for (sender, _), some in matrices.items()
    ]
    return (*(Lists(rows) for rows in listed), *drawing, *dense, *modules, *plastic)
