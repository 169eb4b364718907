"""Fan-out: a neuron has one destination axon; where it has to reach several, groups of further neurons are added."""

import abc
import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...lowering.graph import EdgeNode, Graph, real
from ...lowering.passes.base import AbstractPass
from .packing import Axons, axons_of, packed


class AbstractFanOut(AbstractPass):
    """Gives every neuron a core, and one axon to send to: by groups of further neurons where it has to reach more."""

    @abc.abstractmethod
    def spread(self, graph: Graph) -> Graph:
        """The graph with these groups."""

    def __call__(self, graph):
        graph = self.spread(graph)
        for key, edge in graph.edges.items():
            graph = graph.count(key, synapses=edge.count)
        return graph


class Need(NamedTuple):
    """The axons that neurons of a group have to reach, in the order of neurons, an entry each: the place of the
    receiving group, its core, the number of the axon, and the neuron.
    """

    post: np.ndarray
    core: np.ndarray
    number: np.ndarray
    neuron: np.ndarray

    def counts(self, n: int) -> np.ndarray:
        """How many axons each of `n` neurons has to reach."""
        return np.bincount(self.neuron, minlength=n)

    def of(self, chosen: np.ndarray) -> "Need":
        """The entries of some neurons."""
        return Need(*[x[chosen[self.neuron]] for x in self])


class Packing(NamedTuple):
    """Of every group that receives: the axons that it needs, and the core of each neuron."""

    axons: dict[str, Axons]
    core: dict[str, np.ndarray]

    @classmethod
    def of(cls, graph: Graph, columns: dict[str, np.ndarray]) -> "Packing":
        """Packed with so many columns for each neuron."""
        cells = {name: cell for name, cell in graph.cells.items() if not cell.is_input}
        axons = {name: axons_of(graph, name) for name in cells}
        return cls(axons, {name: packed(name, cell.n, axons[name], columns[name]) for name, cell in cells.items()})

    def need(self, pre: str) -> Need:
        """What the neurons of a group have to reach."""
        rows = [np.zeros((4, 0), np.int64)]
        for k, (name, axons) in enumerate(self.axons.items()):
            if pre in axons.senders:
                own = axons.keys[axons.number, 0] == axons.senders.index(pre)
                number, core = axons.number[own], self.core[name][axons.receiver[own]]
                pairs = np.unique(np.stack([core, number]), axis=1)
                rows.append(np.stack([np.full(pairs.shape[1], k), *pairs, axons.keys[pairs[1], 1]]))
        found = np.concatenate(rows, axis=1)
        return Need(*found[:, np.argsort(found[3], kind="stable")])

    def served(self, graph: Graph, pre: str, need: Need) -> Iterator[tuple[str, EdgeNode, np.ndarray]]:
        """The edges from a group, by name, with the entry of `need` for each; -1 where there is none."""
        for k, (post, axons) in enumerate(self.axons.items()):
            entries = np.nonzero(need.post == k)[0]
            found = np.full((int(self.core[post].max(initial=0)) + 1, len(axons.keys)), -1)
            found[need.core[entries], need.number[entries]] = entries
            which = found[self.core[post][axons.receiver], axons.number]
            for at, key in enumerate(axons.names):
                edge = graph.edges.get(key)  # gone where its senders were replaced already
                if edge is not None and edge.pre == pre:
                    yield key, edge, which[axons.edge == at]

    def on(self, graph: Graph) -> Graph:
        """The graph with the core of every neuron."""
        place = lambda name: real(self.core[name].astype(np.int32))
        return graph.having(cells={name: graph.cells[name].set(core=place(name)) for name in self.core})


def some(edge: EdgeNode, chosen: np.ndarray, **changed: np.ndarray) -> EdgeNode:
    """Some of the edges, all of whose values may be given anew: `sender`, `receiver`, `delay`."""
    delay = changed.get("delay", np.asarray(edge["delay"]))[chosen]
    values = {"delay": real(delay), "type": edge.values["type"]}
    values["weight"] = dataclasses.replace(edge.values["weight"], x=np.asarray(edge["weight"])[chosen])
    sender, receiver = (changed.get(end, np.asarray(getattr(edge, end)))[chosen] for end in ("sender", "receiver"))
    ends = dict(sender=sender.astype(np.int32), receiver=receiver.astype(np.int32))
    return dataclasses.replace(edge, **ends, values=dict(sorted(values.items())), max_delay=int(delay.max(initial=0)))


def rebuilt(graph: Graph, cells: dict, edges: dict[str, EdgeNode], **more: object) -> Graph:
    """The graph with these cells and these edges, without those that have become empty."""
    kept = {key: edge for key, edge in sorted(edges.items()) if edge.count}
    return dataclasses.replace(graph, cells=dict(sorted(cells.items())), edges=kept, **more)
