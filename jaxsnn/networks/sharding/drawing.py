"""A network that is drawn in the parts that devices have: no process ever holds more than its own, and a piece."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ... import _random
from ..._blocks import blocks, empty
from ..._types import on_device
from ...connectivity.drawing import sorted_on_host
from ...connectivity.from_arrays import FromArrays
from ...connectivity.graph import Sparse
from ...connectivity.layer import Layer
from ...connectivity.spatial import ByDistance
from ...connectivity.topology import Edges, given
from ...distributions import AbstractDistribution
from ..build import PARTS, Given, Link, build
from ..order import AbstractOrder
from ..projection import Projection
from .stacking import Cut, Divider

Places = Int[np.ndarray, " synapses"]


def drawn(name: str, link: Link, divider: Divider, dt: float, order: AbstractOrder) -> Cut | None:
    """The projection that `link` describes, as its parts; None if it has to be built as a whole.

    That is for what users hold as a whole (arrays of edges, weights or delays), for matrices, selections of neurons,
    and numbers that a law draws otherwise than one by one.
    """
    if not _in_parts(link):
        return None
    among, own, learns = link.among, divider.shards.own(link.post.n), link.connection.rule is not None
    found = _edges(link, divider, own)
    size = among.topology.places(link.pre.n, link.post.n, found.total)
    # what is behind the last synapse is seen among the weights that learn, too
    behind = lambda i: np.arange(found.total + i, size if learns else found.total, divider.shards.number)
    room = max(1, *(int(count) + behind(i).size for i, count in enumerate(found.counts)))
    parts: dict[int, Projection] = {}
    for i in divider.here:
        mine, places = found.of.pop(i), np.append(found.places[i], behind(i)).astype(np.int32)
        mine, found.places[i] = mine.padded(places.size), places
        laws = {part: getattr(link.connection, part) for part in PARTS}
        laws = {part: law for part, law in laws.items() if isinstance(law, AbstractDistribution)}
        numbers = {part: _numbers(law, link.at(part).key(), places) for part, law in laws.items()}
        parts[i] = build(name, link, Given(mine, mine, None, numbers), dt=dt, order=order)
    width = max(1, min(among.topology.fan_out(link.pre.n, own), room))
    return Cut(parts, found.places, size, room, width)


def _in_parts(link: Link) -> bool:
    connection = link.connection
    if isinstance(connection.via, Layer) or not isinstance(connection.via, Sparse) or connection.synapse is not None:
        return False
    if isinstance(connection.topology, FromArrays) or not link.among.whole:
        return False
    delays = [getattr(connection, part) for part in PARTS if part != "weight"]
    bounded = [connection.max_delay is not None or _room_is_known(delay) for delay in delays]
    return all(bounded) and all(_one_by_one(getattr(connection, part)) for part in PARTS)


def _one_by_one(given: Any) -> bool:
    """Whether the numbers of some synapses can be had without those of all."""
    if isinstance(given, AbstractDistribution):
        return given.stream is not None and all(jnp.ndim(x) == 0 for x in jax.tree.leaves(given))
    return given is None or isinstance(given, ByDistance) or (not callable(given) and np.ndim(given) == 0)


def _room_is_known(delay: Any) -> bool:
    """Whether the longest delay is known without drawing all."""
    if isinstance(delay, AbstractDistribution):
        bounds = delay.bounds()
        return bounds is not None and bool(np.isfinite(bounds[1]))
    return not callable(delay)


class _Found(NamedTuple):
    """The edges into the neurons of each device of this process, with their places among all; how many each device
    has, and how many there are.
    """

    of: dict[int, Edges]
    places: dict[int, Places]
    counts: Int[np.ndarray, " devices"]
    total: int


def _edges(link: Link, divider: Divider, own: int) -> _Found:
    n_pre, n_post, topology = link.pre.n, link.post.n, link.among.topology
    counts, total, sorts = np.zeros(divider.shards.number, np.int64), 0, not topology.in_order
    kept: dict[int, list[tuple[np.ndarray, ...]]] = {i: [] for i in divider.here}
    every = np.zeros(n_pre, np.int32)  # edges of each sender
    ahead = {i: np.zeros(n_pre, np.int32) for i in divider.here}  # those to receivers before these
    for pre, post in topology.pieces(link.at("edges").key(), n_pre, n_post, loop=link.among.loop):
        device = post // np.asarray(own, post.dtype)
        counts += np.bincount(device, minlength=counts.size)
        for i, some in kept.items():
            mine = np.flatnonzero(device == i)
            some.append((pre[mine], post[mine], (total + mine).astype(np.uint32)))
            if sorts:
                np.add.at(ahead[i], pre[device < i], 1)
        if sorts:
            np.add.at(every, pre, 1)
        total += pre.size
    edges: dict[int, Edges] = {}
    places: dict[int, Places] = {}
    for i in divider.here:
        pre, post, place = (_joined([piece[k] for piece in kept[i]]) for k in range(3))
        del kept[i]
        if sorts:
            pre, post = sorted_on_host(pre, post, n_pre, n_post)
            each = np.bincount(pre, minlength=n_pre)
            rank = np.arange(pre.size) - (np.cumsum(each) - each)[pre]
            place = (np.cumsum(every) - every + ahead[i])[pre] + rank
        edges[i], places[i] = given(n_pre, n_post, pre, post), place.astype(np.int32)
    return _Found(edges, places, counts, total)


def _joined(pieces: list[np.ndarray]) -> np.ndarray:
    """The pieces side by side."""
    out, at = empty(sum(x.size for x in pieces), np.uint32), 0
    for piece in pieces:
        out[at : at + piece.size] = piece
        at += piece.size
    return out


_SIZE = 1 << 16  # numbers that a call of the program below draws


@jax.jit
def _some_numbers(law: AbstractDistribution, stream: Array, places: Array) -> Array:
    return law.numbers(stream, places)


def _numbers(law: AbstractDistribution, key: Array, places: Places) -> Array:
    """What `law` draws for these synapses."""
    assert law.stream is not None
    stream, out = _random.stream(key, law.stream), None
    for at in blocks(places.size, _SIZE):
        some = np.pad(places[at], (0, _SIZE - places[at].size)).astype(np.uint32)
        found = np.asarray(_some_numbers(law, stream, some))[: places[at].size]
        out = empty(places.size, found.dtype) if out is None else out
        out[at] = found
    return on_device(np.zeros(0, np.float32) if out is None else out)
