"""Several sparse projections become one: a row of synapses for every sending neuron, whatever they lead to."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .graph import AbstractGraph, SparseGraph
from .ring import Ring
from .sparse import Rows


class Piece(NamedTuple):
    """The synapses of one projection, sorted by `pre`, and where its senders and its port stand among all."""

    graph: AbstractGraph
    weight: Float[Array, "..."]
    delay: Int[Array, "..."]
    first_sender: int
    first_port: int


def merged(pieces: list[Piece], senders: int, ring: Ring) -> Rows:
    """One row a sending neuron over all pieces.

    Rows are interleaved by counting, not by sorting: a synapse's place is the start of its sender's row, plus what
    earlier pieces have put there, plus its rank in its own piece.
    """
    length = jnp.zeros(senders, jnp.int32)
    columns, ranks = [], []
    for graph, weight, delay, first_sender, first_port in pieces:
        pre, post, weight, delay = graph.synapses(weight, delay)
        begin = jnp.searchsorted(pre, jnp.arange(graph.n_pre + 1, dtype=jnp.int32)).astype(jnp.int32)
        own = slice(first_sender, first_sender + graph.n_pre)
        offset = length[own] - begin[:-1]  # from a synapse's number in its piece to its rank in the merged row
        ranks.append(jnp.arange(pre.shape[0], dtype=jnp.int32) + offset.at[pre].get(mode="clip"))
        length = length.at[own].add(begin[1:] - begin[:-1])
        sender = jnp.where(pre < graph.n_pre, pre + first_sender, senders)  # padding stays behind everybody
        columns.append((sender, delay * ring.width + first_port + post, weight))
    start = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(length, dtype=jnp.int32)])
    if len(pieces) == 1:
        ((sender, place, weight),) = columns
    else:
        to = [jnp.where(s < senders, start.at[s].get(mode="clip") + r, -1) for (s, *_), r in zip(columns, ranks)]
        sender, place, weight = (
            _interleaved(values, to, fill) for values, fill in zip(zip(*columns, strict=True), (senders, 0, 0))
        )
    return Rows(start, sender, place, weight, ring, *_room(pieces, sender.shape[0]))


def _interleaved(values: tuple[Array, ...], to: list[Array], fill: int) -> Array:
    """Every value at its place; what has none (-1) is dropped, and `fill` stands where nothing comes."""
    size = sum(len(value) for value in values)
    out = jnp.full(size, fill, values[0].dtype)
    for value, place in zip(values, to, strict=True):
        out = out.at[jnp.where(place < 0, size, place)].set(value, mode="drop")
    return out


def _room(pieces: list[Piece], synapses: int) -> tuple[int, int]:
    """Synapses handled at once, and spikes of a step for which an accelerator has room."""
    widths: dict[int, int] = {}
    for piece in pieces:
        widths[piece.first_sender] = widths.get(piece.first_sender, 0) + piece.graph.width
    graphs = {piece.first_sender: piece.graph for piece in pieces}.values()
    given = [g.capacity for g in graphs if isinstance(g, SparseGraph) and g.capacity is not None]
    senders = sum(graph.n_pre for graph in graphs)
    capacity = sum(given) if given else max(64, -(-senders // 16))
    return max(1, min(max(widths.values()), synapses)), min(capacity, senders)
