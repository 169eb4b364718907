"""What a network takes of a Xylo, and what is known of its power."""

from typing import Any

from ...lowering.graph import Graph
from .passes import outputs

AUDIO = 312e-6  # W
SOURCE = (
    "0.312 mW, 0.219 mW idle and 0.093 mW more on an audio task, known at second hand only (the paper was not read), "
    "times the time of the step, as the chip runs in real time"
)
CAVEAT = "power was published and no energy of an event: another network takes another power"


def use(graph: Graph, room: dict[str, int]) -> dict[str, Any]:
    """Neurons by layer, weights, and which layer is fullest."""
    layers = dict(graph.placement or _layers(graph))
    have = {layer: sum(graph.cells[n].n for n, of in layers.items() if of == layer) for layer in room}
    fullest = max(room, key=lambda layer: have[layer] / room[layer])
    weights = sum(edge.count for edge in graph.edges.values())
    said = ", ".join(f"{have[layer]} of {room[layer]} {layer}" for layer in room)
    return {
        "cores": 1,
        "chips": 1,
        "memory bits": 8 * weights,
        "binding limit": {
            "limit": fullest,
            "group": next((name for name, layer in layers.items() if layer == fullest), ""),
            "used": have[fullest],
            "room": room[fullest],
            "remedy": f"fewer {fullest}",
        },
        "summary": [f"{said}; {weights} weights of 8 bits"],
    }


def _layers(graph: Graph) -> dict[str, str]:
    """The layer that each group of a network becomes."""
    last = outputs(graph)
    return {
        name: "inputs" if cell.is_input else "outputs" if name in last else "hidden"
        for name, cell in graph.cells.items()
    }


def no_figures(name: str) -> dict[str, Any]:
    """That there are none."""
    why = f"no public figure of the power of {name}"
    return {"available": False, "why": why, "summary": [f"energy and time: not available, {why}"]}


def estimate(graph: Graph, power: float, steps: int) -> dict[str, Any]:
    """Energy (nJ) and time (us) of a step, and of an inference of so many, in real time."""
    us = 1e3 * graph.dt
    total = 1e3 * power * us
    return {
        "available": True,
        "nJ a step": total,
        "nJ a step by event": {"the chip": total},
        "us a step": us,
        "static nJ a step": 0.0,
        "steps an inference": steps,
        "nJ an inference": steps * total,
        "us an inference": steps * us,
        "source": SOURCE,
        "caveat": CAVEAT,
        "static source": "in the power of the chip",
        "summary": [
            f"{total:.4g} nJ and {us:.4g} us a step; {steps * total:.4g} nJ and {steps * us:.4g} us an inference of "
            f"{steps} steps",
            f"  {SOURCE};",
            f"  {CAVEAT}",
        ],
    }
