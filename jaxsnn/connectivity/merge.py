"""Several sparse projections merged into one list: a row of synapses for every presynaptic neuron."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._blocks import blocks, empty
from .._memory import available
from .._types import is_concrete, on_device
from .graph import AbstractGraph, PartOfList, SparseGraph, valued
from .ring import Ring
from .sparse import Rows

_MANY = 2**24  # synapses from which on a copy costs more than a loop for each projection


class Piece(NamedTuple):
    """The synapses of one projection, sorted by `pre`, and the positions of its senders and its port in the layout."""

    graph: AbstractGraph
    weight: Float[Array, "..."]
    delay: Int[Array, "..."]
    first_sender: int
    first_port: int

    @property
    def own(self) -> slice:
        """Positions of its senders."""
        return slice(self.first_sender, self.first_sender + self.graph.n_pre)


def lists(pieces: list[Piece], senders: int, ring: Ring, *, differentiated: bool) -> tuple[Rows, ...]:
    """The rows of all pieces: merged, or one for each piece where merging would copy very many synapses.

    `differentiated`: stores the presynaptic neuron of every synapse, which only derivatives need.
    """
    size = sum(math.prod(piece.graph.shape) for piece in pieces)
    if len(pieces) > 1 and size < _MANY:
        return (_merged(pieces, senders, ring, differentiated),)
    return tuple(alone(piece, senders, ring, differentiated=differentiated, many=size >= _MANY) for piece in pieces)


def alone(piece: Piece, senders: int, ring: Ring, *, differentiated: bool, many: bool = False) -> Rows:
    """The rows of one piece, where possible without copying the arrays of its graph and projection.

    `many`: no copy even if every synapse has its own delay, which is then read beside its receiver.
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
    number = graph.number if isinstance(graph, PartOfList) else None
    width = _width([piece], post.shape[0])
    return Rows(start=start, weight=weight, ring=ring, width=width, pre=pre, number=number, **where)


_PIECE = 1024  # synapses per iteration of a long row: rows differ in length, and lanes behind an end are idle
MANY_LISTS = 8  # from which on a copy costs less than a search for spikes in every step for each list


def gathered(lists: list[Rows]) -> Rows | None:
    """Known lists of the same senders as one, by NumPy, row by row into their places; None where nothing is gained.

    The copy has a place and a weight a synapse, 8 bytes, and is not made where memory is short of it. Sums are those of
    `_merged`: sender after sender, and in a row list after list.
    """
    size = sum(rows.place.shape[0] for rows in lists)
    room = available()  # of which the lists themselves, 12 bytes a synapse, take a part
    if len(lists) < MANY_LISTS or (room is not None and 24 * size > room) or not _on_cpu(lists):
        return None
    begins = [np.asarray(rows.start).astype(np.int64) for rows in lists]
    start = np.sum(begins, axis=0)
    place, weight = empty(size, np.int32), empty(size, np.asarray(lists[0].weight).dtype)
    place[start[-1] :], weight[start[-1] :] = 0, 0
    to = start[:-1].copy()  # where the next synapse of each sender goes
    for rows, begin in zip(lists, begins, strict=True):
        length = np.diff(begin)
        shift, ahead = to - begin[:-1], 0 if rows.offset is None else np.asarray(rows.offset)
        sender = np.repeat(np.arange(len(length), dtype=np.int32), length)
        own, weights = np.asarray(rows.place), np.asarray(rows.weight)
        delay = None if rows.delay is None else np.asarray(rows.delay)
        for at in blocks(sender.size):
            there = shift[sender[at]] + np.arange(at.start, at.stop)
            place[there] = own[at] + ahead if delay is None else own[at] + ahead + delay[at] * rows.ring.width
            weight[there] = weights if weights.ndim == 0 else weights[at]
        to += length
    width = int(np.clip(np.max(np.diff(start), initial=1), 1, _PIECE))
    return Rows(on_device(start.astype(np.int32)), on_device(place), on_device(weight), lists[0].ring, width)


def _on_cpu(lists: list[Rows]) -> bool:
    return is_concrete(lists) and all(x.platform == "cpu" for rows in lists for x in rows.place.devices())


def _among_all(piece: Piece, pre: Array, senders: int) -> Array:
    """Positions of senders; padding lies behind all of them."""
    return jnp.where(pre < piece.graph.n_pre, pre + piece.first_sender, senders)


def _merged(pieces: list[Piece], senders: int, ring: Ring, differentiated: bool) -> Rows:
    """One row per presynaptic neuron over all pieces.

    Rows are interleaved by counting, not by sorting: where a row of a piece comes to lie is the sum of the lengths of
    those before it, sender after sender. All pieces are processed as one list, so that the program does not grow with
    their number, and read from their places, since a TPU sorts what is written to places in no order.
    """
    listed = [piece.graph.targets(piece.weight, piece.delay) for piece in pieces]
    place = jnp.concatenate([d * ring.width + p.first_port + post for p, (post, _, d) in zip(pieces, listed)])
    weight, count = jnp.concatenate([w for _, w, _ in listed]), place.shape[0]
    first = np.cumsum([0, *(post.shape[0] for post, *_ in listed)])  # of every piece among all synapses
    groups: dict[int, list[int]] = {}  # pieces by their presynaptic population
    for i, piece in sorted(enumerate(pieces), key=lambda x: x[1].first_sender):
        groups.setdefault(piece.first_sender, []).append(i)
    starts = [jnp.stack([pieces[i].graph.starts() + int(first[i]) for i in some], axis=1) for some in groups.values()]
    length = jnp.concatenate([jnp.diff(x, axis=0).reshape(-1) for x in starts])
    end = jnp.cumsum(length, dtype=jnp.int32)
    begin = jnp.concatenate([jnp.zeros(1, jnp.int32), end])
    source = jnp.concatenate([x[:-1].reshape(-1) for x in starts])
    to = jnp.arange(count, dtype=jnp.int32)
    at = to + valued(begin[:-1], source - begin[:-1], count)
    put = lambda x, fill: jnp.where(to < end[-1], x.at[at].get(mode="clip"), fill)
    pre = None
    if differentiated:
        of = [np.repeat(k + np.arange(x.shape[0] - 1), x.shape[1]) for k, x in zip(groups, starts, strict=True)]
        pre = jnp.where(to < end[-1], valued(begin[:-1], np.concatenate(of).astype(np.int32), count), senders)
    rows = _starts(begin, [(k, x.shape[0] - 1, x.shape[1]) for k, x in zip(groups, starts, strict=True)], senders)
    return Rows(rows, put(place, 0), put(weight, 0), ring, _width(pieces, count), pre=pre)


def _starts(begin: Array, groups: list[tuple[int, int, int]], senders: int) -> Array:
    """Where the merged row of every sender begins. `groups`: of senders that follow each other, the first, how many,
    and how many pieces each has; others have none.
    """
    at, known, starts = 0, 0, []
    for first, number, each in groups:
        starts += [jnp.broadcast_to(begin[at], first - known), begin[at : at + number * each : each]]
        at, known = at + number * each, first + number
    return jnp.concatenate([*starts, jnp.broadcast_to(begin[at], senders + 1 - known)])


def _width(pieces: list[Piece], synapses: int) -> int:
    """Synapses per iteration."""
    widths: dict[int, int] = {}
    for piece in pieces:
        widths[piece.first_sender] = widths.get(piece.first_sender, 0) + piece.graph.width
    return max(1, min(max(widths.values()), synapses))
