"""What of the chip a network takes, and an estimate of its time and energy."""

from typing import Any

import numpy as np

from ...lowering.graph import Graph
from .passes import fan_in
from .pattern import ROWS, Circuits

POWER = 0.2  # W
SOURCE = "time: the chip's circuits are a thousand times as fast as the model (the group's documentation)"
ENERGY = "energy: at most 0.2 W of a chip that classifies (abstract of Cramer et al. 2022), times that time"
CAVEAT = (
    "no energy of an event was published; configuration takes milliseconds, and the system around the chip about 1 W, "
    "which are not counted"
)


def use(graph: Graph, circuits: int) -> dict[str, Any] | None:
    """What of the chip a graph uses, for the report; None where it was not placed."""
    places: dict[str, Circuits] = dict(graph.placement or ())
    if not places:
        return None
    rows = []
    for name, at in places.items():
        n = graph.cells[name].n
        rows.append(
            dict(group=name, first=0, cells=n, chip=0, core=at.first, circuits=n * at.each, inputs=fan_in(graph, name))
        )
    taken = sum(row["circuits"] for row in rows)
    synapses = sum(edge.count for edge in graph.edges.values())
    widest = max(rows, key=lambda row: row["circuits"])
    return {
        "cores": 1,
        "chips": 1,
        "circuits": taken,
        "synapses": synapses,
        "memory bits": 7 * synapses,
        "room of a core": {"circuits": circuits},
        "placement": rows,
        "binding limit": {
            "limit": "neuron circuits",
            "group": widest["group"],
            "used": taken,
            "room": circuits,
            "remedy": f"fewer neurons, or at most {ROWS // 2} inputs a neuron, which then is one circuit",
        },
        "summary": [
            f"{taken} of {circuits} neuron circuits; {synapses} synapses of 6 bits and a sign; the most inputs of a "
            f"neuron: {max(row['inputs'] for row in rows)}, {ROWS // 2} a circuit",
        ],
    }


def estimate(graph: Graph, rates: dict[str, np.ndarray], steps: int, speed: float) -> dict[str, Any]:
    """Time (us) of a step on the chip, and an upper bound of energy (nJ): power times time."""
    us = 1e3 * graph.dt / speed
    total = 1e3 * POWER * us
    return {
        "available": True,
        "nJ a step": total,
        "nJ a step by event": {"the chip": total},
        "us a step": us,
        "static nJ a step": 0.0,
        "steps an inference": steps,
        "nJ an inference": steps * total,
        "us an inference": steps * us,
        "spikes a step": float(sum(np.sum(rate) for rate in rates.values())),
        "source": f"{SOURCE}; {ENERGY}",
        "caveat": CAVEAT,
        "static source": "in the power of the chip",
        "summary": [
            f"{us:.4g} us and at most {total:.4g} nJ a step; {steps * us:.4g} us and at most {steps * total:.4g} nJ an "
            f"inference of {steps} steps",
            f"  {SOURCE};",
            f"  {ENERGY};",
            f"  {CAVEAT}",
        ],
    }
