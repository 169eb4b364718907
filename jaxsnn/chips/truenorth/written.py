"""A program for TrueNorth as a graph, for its report: its cores as they are, and an edge for every bit on a way."""

from typing import Any

import numpy as np

from ...lowering.formats import Fixed
from ...lowering.graph import CellNode, EdgeNode, Graph, real
from ...lowering.program import Program
from ...lowering.written import cell_node, edge_node, written_graph
from .cells import CoreCells


def as_graph(program: Program) -> Graph:
    """The graph of a concrete program. Where several senders share an axon, each has the edges of its crossbar bits."""
    cells = {name: _cells(name, program) for name in program.cells}
    edges = {name: _edges(name, program) for name in program.synapses}
    twins = [(n, group.copies_of) for n, group in program.cells.items() if isinstance(group, CoreCells)]
    return written_graph(program, cells, edges).having(placement=tuple(twin for twin in twins if twin[1] is not None))


def _cells(name: str, program: Program) -> CellNode:
    node, group = cell_node(name, program), program.cells[name]
    if not isinstance(group, CoreCells):
        return node
    on = lambda cores, n: real(np.zeros(n, np.int32) if cores is None else cores)
    bits = real(np.int32(group.receiver.shape[0]))
    where = {"core": on(group.core, group.n), "axon_core": on(group.axon_core, group.axons), "crossbar bits": bits}
    return node.set(**where)


def _edges(name: str, program: Program) -> EdgeNode:
    """From every sender through its axons to the neurons with a bit there."""
    routes: Any = program.synapses[name]
    post: Any = program.cells[routes.post]
    axon, start = np.asarray(routes.axon), np.asarray(post.start)
    tick = np.broadcast_to(np.asarray(routes.tick), axon.shape)
    goes = axon >= 0
    sender, axon, tick = np.nonzero(goes)[0], axon[goes], tick[goes]
    each = start[axon + 1] - start[axon]
    bit = np.repeat(start[axon] - (np.cumsum(each) - each), each) + np.arange(each.sum())
    receiver = np.asarray(post.receiver)[bit]
    weight = np.asarray(post.weight)[np.asarray(post.axon_type)[np.repeat(axon, each)], receiver]
    return edge_node(
        name, program, np.repeat(sender, each), receiver, weight, Fixed(8), delay=np.repeat(tick - 1, each)
    )
