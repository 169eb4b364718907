"""The use of the chip by a program, and an estimate of energy and time."""

from typing import Any

import numpy as np

from ...lowering.graph import Graph
from .arithmetic import AXONS, NEURONS
from .packing import axons_of

CORES = 4096  # of a chip
EVENT = 26e-12  # J
SOURCE = (
    "26 pJ a synaptic event, a number remembered of the papers of 2014 on the chip and not read again: at a mean rate "
    "of 20 Hz and 128 active synapses a neuron, with everything that the chip does besides"
)
CAVEAT = "far from that working point it is wrong by much; the host, the board and input are not counted"
_REMEDIES = {
    "axons": "a smaller fan-in, or weights that need fewer axons: TrueNorth(coding=Trinary()) or OneWeight()",
    "cells": "a smaller population, or TrueNorth(fan_out=Splitters())",
}


def cores_of(graph: Graph) -> list[dict[str, Any]]:
    """A row for each group on each core, with how much of it is used. Copies are on the cores of their neurons."""
    twins, found, cores = dict(graph.placement or ()), [], 0
    for name, cell in graph.cells.items():
        if cell.is_input or name in twins:
            continue
        core = np.asarray(cell["core"])
        of_axons = _cores_of_axons(graph, name, core)
        groups = {name: core, **{twin: np.asarray(graph.cells[twin]["core"]) for twin in twins if twins[twin] == name}}
        for k in range(int(core.max(initial=0)) + 1):
            chip, place = divmod(cores, CORES)
            cores += 1
            for group, own in groups.items():
                (on,) = np.nonzero(own == k)
                if on.size:
                    used = dict(cells=int(on.size), axons=int(np.sum(of_axons == k)))
                    found.append(dict(group=group, first=int(on[0]), chip=chip, core=place, **used))
    return found


def _cores_of_axons(graph: Graph, name: str, core: np.ndarray) -> np.ndarray:
    """The core of every axon of a group: as a program has them, else those that its edges need."""
    cell = graph.cells[name]
    if "axon_core" in cell.values:
        return np.asarray(cell["axon_core"])
    axons = axons_of(graph, name)
    return np.unique(np.stack([core[axons.receiver], axons.number]), axis=1)[0]


def bits_of(graph: Graph) -> int:
    """Crossbar bits that are set: as a program has them, else an edge each."""
    bits = [int(cell["crossbar bits"]) for cell in graph.cells.values() if "crossbar bits" in cell.values]
    return sum(bits) if bits else sum(edge.count for edge in graph.edges.values())


def use(graph: Graph) -> dict[str, Any] | None:
    """The use of the chip by a graph, for the report; None if it has no cores."""
    rows, twins = cores_of(graph), dict(graph.placement or ())
    if not rows:
        return None
    cores: dict[tuple[int, int], dict[str, Any]] = {}
    for row in rows:
        here = cores.setdefault((row["chip"], row["core"]), {**row, "cells": 0})
        here["cells"] += row["cells"]
    room = {"cells": NEURONS, "axons": AXONS}
    shares = [(core[key] / room[key], key, core) for core in cores.values() for key in room]
    _, limit, fullest = max(shares, key=lambda share: share[0])
    chips = -(-len(cores) // CORES)
    neurons = sum(core["cells"] for core in cores.values())
    splitters = sum(cell.n for name, cell in graph.cells.items() if name.endswith(" splitters"))
    copies = sum(graph.cells[name].n for name in twins)
    return {
        "cores": len(cores),
        "chips": chips,
        "neurons": neurons,
        "splitters": splitters,
        "copies": copies,
        "crossbar bits": bits_of(graph),
        "memory bits": NEURONS * AXONS * len(cores),
        "room of a core": room,
        "placement": rows,
        "binding limit": {
            "limit": limit,
            "group": fullest["group"],
            "used": fullest[limit],
            "room": room[limit],
            "remedy": _REMEDIES[limit],
        },
        "summary": [
            f"{len(cores)} core(s) on {chips} chip(s) of {CORES}; {neurons} neurons, of which {splitters} split "
            f"and {copies} copy; {bits_of(graph)} crossbar bits",
            f"fullest core: {fullest[limit]} of {room[limit]} {limit} ({fullest['group']})",
        ],
    }


def estimate(graph: Graph, rates: dict[str, np.ndarray], steps: int) -> dict[str, Any]:
    """Energy (nJ) and time (us) of a step, and of an inference of so many: one tick is 1 ms."""
    events = sum(float(np.sum(rates[edge.pre][np.asarray(edge.sender)])) for edge in graph.edges.values())
    total, us = 1e9 * EVENT * events, 1e3
    return {
        "available": True,
        "nJ a step": total,
        "nJ a step by event": {"synaptic events": total},
        "us a step": us,
        "static nJ a step": 0.0,
        "steps an inference": steps,
        "nJ an inference": steps * total,
        "us an inference": steps * us,
        "synaptic events a step": events,
        "source": SOURCE,
        "caveat": CAVEAT,
        "static source": "in the number of an event",
        "summary": [
            f"{total:.4g} nJ ({events:.4g} synaptic events) and {us:.0f} us a step; {steps * total:.4g} nJ and "
            f"{steps * us:.0f} us an inference of {steps} steps, of a tick of 1 ms each",
            f"  {SOURCE};",
            f"  {CAVEAT}",
        ],
    }
