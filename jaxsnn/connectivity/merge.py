"""Several sparse projections become one: a row of synapses for every sending neuron, whatever they lead to."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .graph import AbstractGraph, SparseGraph
from .ring import Ring
from .sparse import Rows

_MANY = 2**24  # synapses, from which on a copy costs more than a loop for each projection


class Piece(NamedTuple):
    """The synapses of one projection, sorted by `pre`, and where its senders and its port stand among all."""

    graph: AbstractGraph
    weight: Float[Array, "..."]
    delay: Int[Array, "..."]
    first_sender: int
    first_port: int

    @property
    def own(self) -> slice:
        """Its senders among all."""
        return slice(self.first_sender, self.first_sender + self.graph.n_pre)


def lists(pieces: list[Piece], senders: int, ring: Ring, *, differentiated: bool) -> tuple[Rows, ...]:
    """Rows of all pieces: one for all of them, or where that would be a copy of very many synapses, one for each.

    `differentiated`: the sender of every synapse is written down, which nothing but a derivative reads.
    """
    size = sum(math.prod(piece.graph.shape) for piece in pieces)
    if len(pieces) > 1 and size < _MANY:
        return (_merged(pieces, senders, ring, differentiated),)
    return tuple(alone(piece, senders, ring, differentiated=differentiated, many=size >= _MANY) for piece in pieces)


def alone(piece: Piece, senders: int, ring: Ring, *, differentiated: bool, many: bool = False) -> Rows:
    """Rows of one piece, as far as possible without a copy of what its graph and its projection hold.

    `many`: no copy even where every synapse has a delay of its own, which is then looked up beside its receiver.
    """
    graph, weight, delay, first, port = piece
    start, pre = graph.starts(), None
    if graph.n_pre != senders:
        behind = jnp.full(senders - first - graph.n_pre, start[-1])
        start = jnp.concatenate([jnp.zeros(first, jnp.int32), start, behind])
    if isinstance(graph, SparseGraph):
        post = graph.post
        if differentiated:
            pre = _among_all(piece, graph.pre, senders)
    else:
        before, post, weight, delay = graph.synapses(weight, delay)
        pre = _among_all(piece, before, senders) if differentiated else None
    if delay.ndim == 0:
        where = dict(place=post, offset=delay * ring.width + port)
    elif many:
        where = dict(place=post, delay=delay, offset=jnp.int32(port))
    else:
        where = dict(place=delay * ring.width + port + post)
    if differentiated:  # its derivative is summed over synapses once, at the end
        weight = jnp.broadcast_to(weight, post.shape)
    width, capacity = _room([piece], post.shape[0])
    return Rows(start=start, weight=weight, ring=ring, width=width, capacity=capacity, pre=pre, **where)


def _among_all(piece: Piece, pre: Array, senders: int) -> Array:
    """Numbers of senders among all; padding stays behind everybody."""
    return jnp.where(pre < piece.graph.n_pre, pre + piece.first_sender, senders)


def _merged(pieces: list[Piece], senders: int, ring: Ring, differentiated: bool) -> Rows:
    """One row a sending neuron over all pieces.

    Rows are interleaved by counting, not by sorting: a synapse's place is the start of its sender's row, plus what
    earlier pieces have put there, plus its rank in its own piece. All pieces are one list meanwhile, so that the
    program does not grow with their number.
    """
    begins = [piece.graph.starts() for piece in pieces]
    length, before = jnp.zeros(senders, jnp.int32), []
    for piece, begin in zip(pieces, begins, strict=True):
        before.append(length[piece.own])
        length = length.at[piece.own].add(begin[1:] - begin[:-1])
    start = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(length, dtype=jnp.int32)])
    listed = [piece.graph.targets(piece.weight, piece.delay) for piece in pieces]
    place = jnp.concatenate([d * ring.width + p.first_port + post for p, (post, _, d) in zip(pieces, listed)])
    weight = jnp.concatenate([w for _, w, _ in listed])
    # from the number of a synapse in the list to its place in the row of its sender, for every row of every piece
    # and for the padding behind the rows of a piece
    count, each, shifts, sender, first = place.shape[0], [], [], [], 0
    for piece, begin, earlier, (post, *_) in zip(pieces, begins, before, listed, strict=True):
        each.append(jnp.append(begin[1:] - begin[:-1], post.shape[0] - begin[-1]))
        shifts.append(jnp.append(start[piece.own] + earlier - begin[:-1] - first, count))
        sender.append(jnp.append(jnp.arange(piece.graph.n_pre, dtype=jnp.int32) + piece.first_sender, senders))
        first += post.shape[0]
    each = jnp.concatenate(each)
    row = jnp.repeat(jnp.arange(each.shape[0], dtype=jnp.int32), each, total_repeat_length=count)
    to = jnp.arange(count, dtype=jnp.int32) + jnp.concatenate(shifts)[row]
    put = lambda x, fill: jnp.full(count, fill, x.dtype).at[to].set(x, mode="drop")
    width, capacity = _room(pieces, count)
    pre = put(jnp.concatenate(sender)[row], senders) if differentiated else None
    return Rows(start, put(place, 0), put(weight, 0), ring, width, capacity, pre=pre)


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
