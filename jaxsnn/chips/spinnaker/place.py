"""Placement: neurons on cores, use of each core, and an estimate of energy and time. No number depends on it."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...lowering.graph import Graph
from .account import Words, account, on_cores, summary
from .sources import PoissonSource

NEURONS, ENTRIES, TYPES = 256, 2**14, 2  # of a core: neurons in documented models, entries of its ring buffers
ROW = 256  # synapses of a row of one projection to one core
CORES, CHIPS, SDRAM = 16, 48, 123_469_792  # of a chip: cores for models, bytes; chips of a board
_WORD, _HEADER = 4, 12  # bytes of a synapse, and of the three words before a row
_HISTORY = 8  # bytes of a row that learns: time and trace of its sender's last spike

IDLE_CHIP, ACTIVE_CORE, PACKET, COUNTED = 0.35, 0.034, 1e-9, 1.8e-9  # W, W, J; of a packet with a number of spikes
SOURCE = (
    "constants of the released host software (sPyNNaker 7.4.1): 0.35 W of an idle chip, 34 mW of an active core, 1 nJ "
    "of a multicast packet, 1.8 nJ of one with a number of spikes"
)
CAVEAT = (
    "an estimate: boards, cooling and the host are not counted, packets once each whatever way they take; a boxed "
    "board of 48 chips was measured at 31.9 W idle and 59.4 W with 806 cores active (a comment in the same software)"
)


class CoreUse(NamedTuple):
    """A core: which cells of a group it has, where it is, and what of it is used."""

    group: str
    first: int
    cells: int
    chip: int
    core: int
    ring_entries: int


def slots(longest: int, cells: int) -> int:
    """Slots of the ring buffers of a core: a power of two, for delays up to `longest` steps, or what there is room for.

    What takes longer waits in delay populations, `(delay - 1) // slots` stages of them.
    """
    room = ENTRIES // (TYPES * 2 ** math.ceil(math.log2(cells)))
    return min(2 ** math.ceil(math.log2(longest)), room)


def _slots_of(graph: Graph, name: str) -> int:
    """Those of the cores of a group."""
    longest = 1 + max((edge.max_delay for edge in graph.into(name).values()), default=0)
    return slots(longest, min(graph.cells[name].n, NEURONS))


def place(graph: Graph, sources: Mapping[str, Words]) -> tuple[list[CoreUse], int]:
    """Cores one after the other, groups by name: full ones, then one of the rest; and cores that delay spikes."""
    cores, delaying = [], 0
    for name, cell in graph.cells.items():
        width = int(sources[name].sources) if name in sources else NEURONS
        parts = np.split(np.arange(cell.n), range(width, cell.n, width))
        width = 0 if cell.is_input or name in sources else _slots_of(graph, name) * TYPES
        for part in parts:
            entries = width * 2 ** math.ceil(math.log2(len(part)))
            chip, core = divmod(len(cores), CORES)
            cores.append(CoreUse(name, int(part[0]), len(part), chip, core, entries))
        sent = [edge for edge in graph.edges.values() if edge.pre == name]
        late = [edge for edge in sent if edge.max_delay >= _slots_of(graph, edge.post)]
        delaying += len(parts) if late else 0
    return cores, delaying


def row_bytes(graph: Graph) -> int:
    """Memory of all rows: a word a synapse and three a row, a row for every sender and core of the receivers; and what
    rows that learn remember.
    """
    total = 0
    for edge in graph.edges.values():
        rows = edge.n_pre * math.ceil(edge.n_post / NEURONS)
        total += _WORD * edge.count + (_HEADER + (_HISTORY if edge.learns else 0)) * rows
    return total


def use(graph: Graph, sources: Mapping[str, PoissonSource]) -> dict[str, Any]:
    """The use of the machine by a graph, for the report."""
    words = on_cores(graph, sources)
    cores, delaying = place(graph, words)
    made = {name: account(graph.cells[name].n, graph.dt, one) for name, one in words.items()}
    count, memory = len(cores) + delaying, row_bytes(graph)
    chips = max(math.ceil(count / CORES), math.ceil(memory / SDRAM))
    return {
        "cores": count,
        "cores that delay spikes": delaying,
        "chips": chips,
        "boards": math.ceil(chips / CHIPS),
        "bytes of rows": memory,
        "memory bits": 8 * memory,
        "room of a core": {"cells": NEURONS, "ring_entries": ENTRIES},
        "placement": [core._asdict() for core in cores],
        "summary": [
            f"{count} core(s), {delaying} of them to delay spikes, on {chips} chip(s) of {math.ceil(chips / CHIPS)} "
            f"board(s); {memory / 2**20:.3g} MiB of rows",
            *(summary(name, one) for name, one in made.items()),
        ],
        **({"sources": made} if made else {}),
    }


def estimate(
    graph: Graph,
    rates: dict[str, np.ndarray],
    steps: int,
    slower: float,
    sources: Mapping[str, PoissonSource],
) -> dict[str, Any]:
    """Energy (nJ) and time (us) of a step, and of an inference of so many, `slower` times as long as in real time."""
    found = use(graph, sources)
    us = 1e3 * graph.dt * slower
    sent = {name: float(np.sum(rate)) for name, rate in rates.items()}
    packets = sum(sent.values())
    joules = sum(x * (COUNTED if name in found.get("sources", ()) else PACKET) for name, x in sent.items())
    static = 1e3 * us * IDLE_CHIP * found["chips"]
    parts = {"cores": 1e3 * us * ACTIVE_CORE * found["cores"], "packets": 1e9 * joules}
    total = sum(parts.values())
    return {
        "available": True,
        "nJ a step": total,
        "nJ a step by event": parts,
        "us a step": us,
        "static nJ a step": static,
        "steps an inference": steps,
        "nJ an inference": steps * total,
        "us an inference": steps * us,
        "packets a step": packets,
        "source": SOURCE,
        "caveat": CAVEAT,
        "static source": "the same",
        "summary": [
            f"{total:.4g} nJ (cores {parts['cores']:.4g}, packets {parts['packets']:.3g}) and {us:.4g} us a step, with "
            f"time_scale_factor {slower:g};",
            f"{steps * (total + static):.4g} nJ with idle chips and {steps * us:.4g} us an inference of {steps} steps",
            f"  {SOURCE};",
            f"  {CAVEAT};",
            f"  idle chips on top: {static:.4g} nJ a step",
        ],
    }
