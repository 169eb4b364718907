"""Energy and time of a step from the published figures per event. Estimates: nothing here was measured on a chip."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...lowering.graph import Graph
from .place import CoreUse, Plan, fans_of

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


def estimate(graph: Graph, plan: Plan, rates: dict[str, np.ndarray], inference: int = 1) -> dict[str, object]:
    """Energy (nJ) and time (us) of a step, from the mean number of spikes a step of every cell and input.

    `inference`: steps of one. Static power is given by itself: what a chip draws in that time, whatever it computes.
    """
    cores = plan.cores
    index = {name: np.array([i for i, core in enumerate(cores) if core.group == name]) for name in graph.cells}
    begin = {name: np.array([cores[i].first for i in of]) for name, of in index.items()}
    events, spikes_pj = np.zeros(len(cores)), 0.0
    for edge in graph.edges.values():
        fans = fans_of(edge, begin[edge.post])
        to = index[edge.post][fans.core]
        sent = rates[edge.pre][fans.sender]
        events += np.bincount(to, weights=sent * fans.count, minlength=len(cores))
        if graph.cells[edge.pre].is_input:
            spikes_pj += sent.sum() * SPIKE.pj
            continue
        origin = index[edge.pre][np.searchsorted(begin[edge.pre], fans.sender, side="right") - 1]
        pairs, which = np.unique(origin * len(cores) + to, return_inverse=True)
        hops = [_hops(cores[pair // len(cores)], cores[pair % len(cores)]) for pair in pairs]
        cost = np.array([SPIKE.pj + EAST.pj * east + NORTH.pj * north for east, north in hops])
        spikes_pj += (sent * cost[which]).sum()
    cells = np.array([core.cells for core in cores])
    parts = {"synapses": events.sum() * SYNAPSE.pj, "cells": cells.sum() * CELL.pj, "spikes": spikes_pj}
    nj = {name: float(pj) / 1e3 for name, pj in parts.items()}
    tiles = min(32, -(-len(cores) // TILE))
    barrier = BARRIER[0] + (BARRIER[1] - BARRIER[0]) * (tiles - 1) / 31
    us = (float(np.max(events * SYNAPSE.ns + cells * CELL.ns, initial=0.0)) + barrier) / 1e3
    chips = 1 + max((core.chip for core in cores), default=0)
    data: dict[str, object] = {
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
    return data | {"summary": _summary(data)}


def _summary(energy: dict[str, Any]) -> list[str]:
    """Lines for a report."""
    by = ", ".join(f"{name} {nj:.3g}" for name, nj in energy["nJ a step by event"].items())
    return [
        f"{energy['nJ a step']:.3f} nJ ({by}) and {energy['us a step']:.3f} us a step;",
        f"{energy['nJ an inference']:.4g} nJ and {energy['us an inference']:.4g} us an inference of "
        f"{energy['steps an inference']} steps",
        f"  {energy['source']};",
        f"  {energy['caveat']};",
        f"  a chip's static power on top: {energy['static nJ a step']:.3g} nJ a step ({energy['static source']})",
    ]


def _hops(a: CoreUse, b: CoreUse) -> tuple[int, int]:
    """Tiles to the east and to the north between two cores; chips stand side by side."""
    where = lambda c: (c.chip * WIDE + c.core // TILE % WIDE, c.core // TILE // WIDE)
    (xa, ya), (xb, yb) = where(a), where(b)
    return abs(xa - xb), abs(ya - yb)
