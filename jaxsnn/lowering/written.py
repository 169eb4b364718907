"""The graph of a program as it stands, for its report: cells and lists of edges, of which nothing was rounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._types import is_concrete, parameters
from ..networks.order import BeforeThreshold
from .cells import InputCells
from .formats import AbstractFormat
from .graph import CellNode, EdgeNode, Facts, Graph, Value, real
from .program import Program

DONE = "a program as it is"  # in place of the passes of a lowering


def cell_node(name: str, program: Program, values: Mapping[str, Value] | None = None) -> CellNode:
    """A group of cells. `values`: of a leaky cell, by name; None: its registers, of the kind that it is."""
    group = program.cells[name]
    if isinstance(group, InputCells):
        return CellNode(group.n, {}, group.ports)
    kind = type(group) if values is None else None
    values = {key: real(x) for key, x, _ in parameters(group)} if values is None else values
    told = {**values, "message_bits": real(np.int32(group.message_bits))}  # of cells without registers the only value
    if name in program.scale:
        told["scale"] = real(program.scale[name])
    return CellNode(group.n, dict(sorted(told.items())), group.ports, kind=kind)


def edge_node(
    name: str,
    program: Program,
    sender: Any,
    receiver: Any,
    weight: Any,
    form: AbstractFormat,
    *,
    delay: Any,
    sign: int = 0,
    plastic: bool = False,
) -> EdgeNode:
    """A group of synapses, from its lists; of cells with several inlets each inlet is a receiver.

    `weight`, `form`: the stored numbers, one a synapse, and their format. `delay`: steps, one or one a synapse.
    """
    group = program.synapses[name]
    n_pre, n_post = program.cells[group.pre].n, program.cells[group.post].n
    sender, receiver, weight, delay = (np.asarray(x) for x in (sender, receiver, weight, delay))
    receiver = receiver % n_post
    order = np.lexsort((receiver, sender))
    delay = delay if delay.ndim == 0 else delay[order]
    values = {"delay": real(delay), "weight": Value(weight[order], form)}
    ends = sender[order].astype(np.int32), receiver[order].astype(np.int32)
    return EdgeNode(group.pre, group.post, "", *ends, n_pre, n_post, values, sign, group.max_delay, plastic=plastic)


def senders(start: Any) -> np.ndarray:
    """The sender of every synapse of a list, of which those of sender `i` are `start[i] : start[i + 1]`."""
    each: np.ndarray = np.diff(np.asarray(start, np.int64))
    return np.repeat(np.arange(len(each)), each)


def written_graph(program: Program, cells: dict[str, CellNode], edges: dict[str, EdgeNode]) -> Graph:
    """The graph of these cells and edges, with counts of synapses and of those whose weight is 0."""
    graph = Graph(cells, edges, {}, Facts(program.dt, BeforeThreshold()), program.lags, (DONE,))
    for name, edge in edges.items():
        zeros = np.sum(np.asarray(edge["weight"]) == 0)
        graph = graph.count(name, synapses=np.int32(edge.count), **{"weights that are 0": np.int32(zeros)})
    return graph


def concrete(program: Program) -> None:
    """Raises ValueError for a program whose numbers are traced."""
    if not is_concrete(program):
        raise ValueError("Got a program with traced numbers to report on; call report outside jit and vmap.")
