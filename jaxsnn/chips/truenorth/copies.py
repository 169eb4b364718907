"""Copies: a neuron with several destinations is repeated in its core, on the same axons."""

import dataclasses

import numpy as np

from ...lowering.graph import CellNode, Graph, Value
from ...lowering.storage import stored
from .fan_out import AbstractFanOut, Packing, rebuilt, some

_TURNS = 64


@stored
class Copies(AbstractFanOut):
    """Copies of neurons with several destinations, in further columns of their core, with the same input.

    No step is lost. A group takes more cores, and its senders may need more copies in turn.
    """

    def spread(self, graph):
        columns = {name: np.ones(cell.n, np.int64) for name, cell in graph.cells.items()}
        for _ in range(_TURNS):
            packing = Packing.of(graph, columns)
            more = {
                name: own if name not in packing.axons else np.maximum(own, packing.need(name).counts(own.size))
                for name, own in columns.items()
            }
            if all(np.array_equal(more[name], own) for name, own in columns.items()):
                return _copied(packing.on(graph), packing, columns)
            columns = more
        raise ValueError(
            "Copies of neurons need more copies in turn, without end; use TrueNorth(fan_out=Splitters()), which takes "
            "a step of the way, or a coding with fewer axons an input."
        )


def _copied(graph: Graph, packing: Packing, columns: dict[str, np.ndarray]) -> Graph:
    """The graph with copies: the first axon of a neuron is its own, each further one that of a copy."""
    cells, edges, twins = dict(graph.cells), dict(graph.edges), []
    many = {name: own for name, own in columns.items() if own.max() > 1}
    for name, own in many.items():
        need, added, n = packing.need(name), f"{name} copies", int((own - 1).sum())
        before = np.cumsum(own - 1) - (own - 1)  # copies of earlier neurons
        ordinal = np.arange(need.neuron.size) - np.searchsorted(need.neuron, need.neuron)
        copy = np.where(ordinal > 0, before[need.neuron] + ordinal - 1, -1)
        for key, edge, entry in packing.served(graph, name, need):
            edges[key] = some(edge, copy[entry] < 0)
            moved = some(edge, copy[entry] >= 0, sender=copy[entry])
            edges[f"{key}, by copies"] = dataclasses.replace(moved, pre=added, n_pre=n)
        cells[added] = _gathered(cells[name], np.repeat(np.arange(own.size), own - 1))
        twins.append((added, name))
    for added, name in twins:
        own = many[name] - 1
        before = np.cumsum(own) - own
        for key, edge in [*edges.items()]:
            if edge.post == name and edge.count:
                receiver = np.asarray(edge.receiver)
                at = np.repeat(np.arange(edge.count), own[receiver])
                within = np.arange(at.size) - np.repeat(np.cumsum(own[receiver]) - own[receiver], own[receiver])
                heard = some(edge, at)
                copy = (before[receiver[at]] + within).astype(np.int32)
                edges[f"{key}, to copies"] = dataclasses.replace(
                    heard, post=added, receiver=copy, n_post=cells[added].n
                )
    return rebuilt(graph, cells, edges, placement=tuple(twins))


def _gathered(cell: CellNode, original: np.ndarray) -> CellNode:
    """The cells of these neurons."""
    own = lambda x: x if np.ndim(x) == 0 or np.shape(x)[-1] != cell.n else np.asarray(x)[..., original]
    values = {key: Value(own(value.x), value.format) for key, value in cell.values.items()}
    return CellNode(original.size, values, {})
