"""Energy and time of a step from the published figures per event. Estimates: nothing here was measured on a chip."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .ir import Graph
from .targets import AbstractTarget, Loihi1

SOURCE = (
    "Davies et al., IEEE Micro 38:82 (2018), table 2: simulated before silicon at 0.75 V, synaptic events a minimum"
)
CAVEAT = "every cell is counted as active; host traffic, learning and embedded processors are not counted"
STATIC_MW = 104.0  # of a chip
STATIC_SOURCE = "Frady et al., arXiv:2004.12691 (2020), measured on a large system, which ran slower than this estimate"


class Events(NamedTuple):
    """pJ and ns of an event."""

    pj: float
    ns: float


SYNAPSE, CELL, SPIKE = Events(23.6, 3.5), Events(81.0, 8.4), Events(1.7, 2.1)
EAST, NORTH = Events(3.0, 4.1), Events(4.0, 6.5)  # a hop from tile to tile
BARRIER = (113.0, 465.0)  # ns, of 1 and of 32 tiles
TILE, WIDE = 4, 8  # cores of a tile, tiles in a row


def estimate(
    graph: Graph, target: AbstractTarget, rates: dict[str, np.ndarray], inference: int = 1
) -> dict[str, object]:
    """Energy (nJ) and time (us) of a step, from the mean number of spikes a step of every cell and input.

    `inference`: steps of one. Static power is given by itself: what a chip draws in that time, whatever it computes.
    """
    if not isinstance(target, Loihi1) or graph.plan is None:
        return {"available": False, "why": f"no public figure per event for {target.name}"}
    cores = graph.plan.cores
    begin = {name: np.array([core.first for core in cores if core.group == name]) for name in graph.cells}
    index = {(core.group, core.first): i for i, core in enumerate(cores)}
    events, spikes_pj = np.zeros(len(cores)), 0.0
    for link in graph.links.values():
        exists = np.asarray(link["exists"]).astype(np.int64)
        count = np.add.reduceat(exists, begin[link.post], axis=1)
        per_core = rates[link.pre] @ count
        for j, first in enumerate(begin[link.post]):
            to = index[link.post, int(first)]
            events[to] += per_core[j]
            sent = rates[link.pre] * (count[:, j] > 0)
            if graph.cells[link.pre].is_input:
                spikes_pj += sent.sum() * SPIKE.pj
                continue
            for start in begin[link.pre]:
                size = cores[index[link.pre, int(start)]].cells
                east, north = _hops(cores[index[link.pre, int(start)]], cores[to])
                cost = SPIKE.pj + EAST.pj * east + NORTH.pj * north
                spikes_pj += sent[start : start + size].sum() * cost
    cells = np.array([core.cells for core in cores])
    parts = {"synapses": events.sum() * SYNAPSE.pj, "cells": cells.sum() * CELL.pj, "spikes": spikes_pj}
    nj = {name: float(pj) / 1e3 for name, pj in parts.items()}
    tiles = min(32, -(-len(cores) // TILE))
    barrier = BARRIER[0] + (BARRIER[1] - BARRIER[0]) * (tiles - 1) / 31
    us = (float(np.max(events * SYNAPSE.ns + cells * CELL.ns, initial=0.0)) + barrier) / 1e3
    chips = 1 + max((core.chip for core in cores), default=0)
    return {
        "available": True,
        "nJ a step": sum(nj.values()),
        "nJ a step by event": nj,
        "us a step": us,
        "static nJ a step": STATIC_MW * chips * us,
        "steps an inference": inference,
        "nJ an inference": inference * sum(nj.values()),
        "us an inference": inference * us,
        "synaptic events a step": float(events.sum()),
        "source": SOURCE,
        "caveat": CAVEAT,
        "static source": STATIC_SOURCE,
    }


def _hops(a, b) -> tuple[int, int]:
    """Tiles to the east and to the north between two cores; chips stand side by side."""
    where = lambda c: (c.chip * WIDE + c.core // TILE % WIDE, c.core // TILE // WIDE)
    (xa, ya), (xb, yb) = where(a), where(b)
    return abs(xa - xb), abs(ya - yb)
