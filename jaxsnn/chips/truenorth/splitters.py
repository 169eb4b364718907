"""Splitters: a neuron with several destinations sends to neurons of a core that each pass on what arrives."""

import dataclasses

import numpy as np

from ...lowering.formats import Fixed
from ...lowering.graph import CellNode, EdgeNode, Graph, Value, real
from ...lowering.storage import stored
from .arithmetic import NEURONS, TYPES
from .fan_out import AbstractFanOut, Need, Packing, rebuilt, some


@stored
class Splitters(AbstractFanOut):
    """Splitters for neurons with several destinations.

    They take a step of the way, or make the groups behind them lag by one: refused in a cycle without a step to spare.
    """

    def spread(self, graph):
        packing = Packing.of(graph, {name: np.ones(cell.n, np.int64) for name, cell in graph.cells.items()})
        graph = packing.on(graph)
        for name, cell in [*graph.cells.items()]:
            need = packing.need(name)
            several = need.counts(cell.n) > 1
            if several.any() and not cell.is_input:
                graph = _split(graph, name, packing, need.of(several))
        return graph


def _split(graph: Graph, name: str, packing: Packing, need: Need) -> Graph:
    """The graph with a splitter between some neurons of a group and all that they reach, an entry of `need` each."""
    added, n, senders = f"{name} splitters", need.neuron.size, graph.cells[name].n
    counts = need.counts(senders)
    if counts.max() > NEURONS:
        raise ValueError(
            f"Neuron {int(counts.argmax())} of {name!r} has {counts.max()} destinations, and a splitter has {NEURONS}; "
            "use fewer receivers, or populations between."
        )
    edges, first = dict(graph.edges), np.ones(senders, np.int64)  # steps of the model on the way to the splitter
    served = [*packing.served(graph, name, need)]
    for _, edge, _ in served:
        np.minimum.at(first, np.asarray(edge.sender), np.maximum(np.asarray(edge["delay"]), 0))
    for key, edge, entry in served:
        left = np.maximum(np.asarray(edge["delay"]), 0) - first[np.asarray(edge.sender)]
        edges[key] = some(edge, entry < 0)
        split = some(edge, entry >= 0, sender=entry, delay=left)
        edges[f"{key}, split"] = dataclasses.replace(split, pre=added, n_pre=n)
    values = {
        "delay": real(first[need.neuron].astype(np.int32)),
        "type": real(np.zeros((), np.int32)),
        "weight": Value(np.ones(n, np.int32), Fixed(8)),
    }
    ends = need.neuron.astype(np.int32), np.arange(n, dtype=np.int32)
    edges[f"{name}, to splitters"] = EdgeNode(name, added, "in", *ends, senders, n, values, 1, int(first.max()))
    return rebuilt(graph, {**graph.cells, added: _relays(need.neuron, counts)}, edges)


def _relays(neuron: np.ndarray, counts: np.ndarray) -> CellNode:
    """Neurons that fire when something arrives; all of one sender are on one core."""
    core, used, now = np.zeros(neuron.size, np.int32), 0, 0
    for i in np.unique(neuron):
        if used + counts[i] > NEURONS:
            used, now = 0, now + 1
        core[neuron == i] = now
        used += counts[i]
    numbers = dict.fromkeys(("negative", "leak", "reset", "start", "mode", "reversal", "input_delay"), 0)
    numbers |= dict.fromkeys(("threshold", "memoryless", "scale"), 1)
    values = {key: real(np.asarray(x, np.int32)) for key, x in numbers.items()}
    values |= {"core": real(core), "weight": Value(np.ones((TYPES, neuron.size), np.int32), Fixed(8))}
    return CellNode(neuron.size, dict(sorted(values.items())), {})
