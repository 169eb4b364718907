"""Which core a neuron is on: neurons fill a core one after the other, up to 256 columns and the axons they need."""

from typing import NamedTuple

import numpy as np

from ...lowering.graph import Graph
from .arithmetic import AXONS, NEURONS


class Axons(NamedTuple):
    """What leads into a group, an entry an edge: the edge's name, its place there, receiver, and the number of what it
    needs an axon for: a sending group, a sender, a delay and an axon type. `keys`: those four, a row a number.
    """

    edge: np.ndarray
    place: np.ndarray
    receiver: np.ndarray
    number: np.ndarray
    keys: np.ndarray
    names: tuple[str, ...]
    senders: tuple[str, ...]


def axons_of(graph: Graph, name: str) -> Axons:
    """The axons that a group needs, were it on one core."""
    into = graph.into(name)
    names, senders = tuple(into), tuple(sorted({edge.pre for edge in into.values()}))
    rows, edge, place, receiver = [], [], [], []
    for k, each in enumerate(into.values()):
        n = each.count
        of = np.full(n, senders.index(each.pre)), np.asarray(each.sender), np.broadcast_to(np.asarray(each["delay"]), n)
        rows.append(np.stack([*of, np.full(n, int(each["type"]))]))
        edge.append(np.full(n, k))
        place.append(np.arange(n))
        receiver.append(np.asarray(each.receiver))
    if not rows:
        none = np.zeros(0, np.int64)
        return Axons(none, none, none, none, np.zeros((0, 4), np.int64), names, senders)
    keys, number = np.unique(np.concatenate(rows, axis=1), axis=1, return_inverse=True)
    joined = np.concatenate(edge), np.concatenate(place), np.concatenate(receiver)
    return Axons(*joined, number.reshape(-1), keys.T, names, senders)


def packed(name: str, n: int, axons: Axons, columns: np.ndarray) -> np.ndarray:
    """The core of each neuron, counted from 0. `columns`: how many columns of a crossbar each takes.

    **Raises:** ValueError for a neuron that no core has room for.
    """
    order = np.argsort(axons.receiver, kind="stable")
    start = np.searchsorted(axons.receiver[order], np.arange(n + 1))
    core = np.zeros(n, np.int64)
    held, used, now = np.zeros(len(axons.keys), bool), 0, 0
    for j in range(n):
        own = axons.number[order[start[j] : start[j + 1]]]
        if own.size > AXONS:
            raise ValueError(
                f"Neuron {j} of {name!r} needs {own.size} axons, and a core has {AXONS}; use a smaller fan-in, or "
                "weights that need fewer axons: TrueNorth(coding=Trinary()) or OneWeight()."
            )
        if columns[j] > NEURONS:
            raise ValueError(
                f"Neuron {j} of {name!r} has {columns[j]} destinations, and a core has room for {NEURONS} copies of "
                "it; use TrueNorth(fan_out=Splitters()), or fewer receivers."
            )
        fresh = own.size - int(np.count_nonzero(held[own]))
        if used + columns[j] > NEURONS or int(np.count_nonzero(held)) + fresh > AXONS:
            held[:], used, now = False, 0, now + 1
        held[own] = True
        used += int(columns[j])
        core[j] = now
    return core
