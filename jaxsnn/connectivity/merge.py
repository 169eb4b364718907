"""Several sparse projections become one: a row of synapses for every sending neuron, whatever they lead to."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
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
    earlier pieces have put there, plus its rank in its own piece. All pieces are one list meanwhile, so that the
    program does not grow with their number.
    """
    listed = [piece.graph.synapses(piece.weight, piece.delay) for piece in pieces]
    begins = _row_starts([pre for pre, *_ in listed], [piece.graph.n_pre for piece in pieces])
    length, before = jnp.zeros(senders, jnp.int32), []
    for piece, begin in zip(pieces, begins, strict=True):
        own = slice(piece.first_sender, piece.first_sender + piece.graph.n_pre)
        before.append(length[own])
        length = length.at[own].add(begin[1:] - begin[:-1])
    start = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(length, dtype=jnp.int32)])
    columns = [
        # padding stays behind everybody
        (jnp.where(pre < p.graph.n_pre, pre + p.first_sender, senders), delay * ring.width + p.first_port + post, w)
        for p, (pre, post, w, delay) in zip(pieces, listed, strict=True)
    ]
    if len(pieces) == 1:
        ((sender, place, weight),) = columns
        return Rows(start, sender, place, weight, ring, *_room(pieces, sender.shape[0]))
    sender, place, weight = (jnp.concatenate(column) for column in zip(*columns, strict=True))
    # from a synapse's number in the list to its place in the merged row of its sender, for every row of every piece
    shifts, firsts, first, row = [], [], 0, 0
    for piece, begin, earlier, (pre, *_) in zip(pieces, begins, before, listed, strict=True):
        own = slice(piece.first_sender, piece.first_sender + piece.graph.n_pre)
        shifts.append(start[own] + earlier - begin[:-1] - first)
        firsts.append(jnp.minimum(pre, piece.graph.n_pre - 1) + row)
        first, row = first + pre.shape[0], row + piece.graph.n_pre
    shift = jnp.concatenate(shifts)[jnp.concatenate(firsts)]
    to = jnp.where(sender < senders, jnp.arange(first, dtype=jnp.int32) + shift, first)
    out = (jnp.full(first, fill, x.dtype) for x, fill in ((sender, senders), (place, 0), (weight, 0)))
    sender, place, weight = (o.at[to].set(x, mode="drop") for o, x in zip(out, (sender, place, weight), strict=True))
    return Rows(start, sender, place, weight, ring, *_room(pieces, first))


def _row_starts(pres: list[Array], sizes: list[int]) -> list[Array]:
    """Where the rows of every list begin, `n + 1` numbers each; lists are sorted, with padding `n` at their ends."""
    if sum(sizes) + len(sizes) >= 2**31:
        find = lambda pre, n: jnp.searchsorted(pre, jnp.arange(n + 1, dtype=jnp.int32)).astype(jnp.int32)
        return [find(pre, n) for pre, n in zip(pres, sizes, strict=True)]
    ends = np.cumsum([n + 1 for n in sizes])  # numbers of one list are above those of the ones before: one sorted list
    everything = jnp.concatenate([pre + int(end - n - 1) for pre, n, end in zip(pres, sizes, ends, strict=True)])
    found = jnp.searchsorted(everything, jnp.arange(int(ends[-1]), dtype=jnp.int32)).astype(jnp.int32)
    firsts = np.concatenate([[0], np.cumsum([pre.shape[0] for pre in pres])])
    return [found[end - n - 1 : end] - int(first) for n, end, first in zip(sizes, ends, firsts)]


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
