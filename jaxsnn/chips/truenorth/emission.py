"""The last step: a packed graph becomes cores and routes."""

import numpy as np

from ..._types import canonical_float, on_device
from ...lowering.cells import AbstractCells, InputCells
from ...lowering.graph import Graph
from ...lowering.program import Program
from ...lowering.synapses import AbstractSynapses
from .arithmetic import AbstractRules
from .cells import CoreCells
from .packing import Axons, axons_of
from .routes import Routes


def emit(graph: Graph, rules: AbstractRules) -> Program:
    """The program of a graph whose neurons have cores, and one destination each."""
    cells: dict[str, AbstractCells] = {}
    routes: dict[str, AbstractSynapses] = {}
    twins = dict(graph.placement or ())
    for name, cell in graph.cells.items():
        if cell.is_input:
            cells[name] = InputCells(cell.n, cell.ports)
            continue
        original = twins.get(name, name)
        axons = axons_of(graph, original)
        core = np.asarray(graph.cells[original]["core"])
        pairs = np.unique(np.stack([core[axons.receiver], axons.number]), axis=1)  # an axon each, core after core
        own, on = (axons, core) if original == name else (axons_of(graph, name), np.asarray(cell["core"]))
        same = {(axons.senders[key[0]], *key[1:]): k for k, key in enumerate(axons.keys.tolist())}
        number = np.array([same[own.senders[key[0]], *key[1:]] for key in own.keys.tolist()], np.int64)[own.number]
        width = len(axons.keys)
        axon = np.searchsorted(pairs[0] * width + pairs[1], on[own.receiver] * width + number)
        order = np.lexsort((own.receiver, axon))
        each = np.bincount(axon, minlength=pairs.shape[1])
        keys = axons.keys[pairs[1]]
        cells[name] = CoreCells(
            cell.n,
            keys[:, 3],
            np.concatenate([[0], np.cumsum(each)]),
            own.receiver[order],
            cell["weight"],
            cell["threshold"],
            negative=cell["negative"],
            leak=cell["leak"],
            reset=cell["reset"],
            v_start=cell["start"],
            reset_mode=cell["mode"],
            reversal=cell["reversal"],
            core=on,
            axon_core=pairs[0],
            copies_of=None if original == name else original,
            rules=rules,
        )
        for k, pre in enumerate(axons.senders):
            routes[f"{pre} to {name}"] = _routes(graph, pre, name, axons, np.nonzero(keys[:, 0] == k)[0], keys)
    scaled = {name: np.asarray(cell["scale"]) for name, cell in graph.cells.items() if "scale" in cell.values}
    scale = {name: on_device(x.astype(canonical_float())) for name, x in scaled.items()}
    return Program(cells, routes, graph.dt, graph.lags, scale=scale)


def _routes(graph: Graph, pre: str, post: str, axons: Axons, own: np.ndarray, keys: np.ndarray) -> Routes:
    """Packets to the axons `own`, those of one sending group: as many for each sender as the one with most has."""
    n, sender = graph.cells[pre].n, keys[own, 1]
    order = np.argsort(sender, kind="stable")
    ordinal = np.arange(own.size) - np.searchsorted(sender[order], sender[order])
    axon, tick = np.full((n, int(ordinal.max(initial=0)) + 1), -1), np.ones((n, int(ordinal.max(initial=0)) + 1), int)
    axon[sender[order], ordinal] = own[order]
    tick[sender[order], ordinal] = keys[own[order], 2] + 1
    flat = axon.shape[1] == 1
    return Routes(pre, post, axon[:, 0] if flat else axon, tick[:, 0] if flat else tick, axons=len(keys))
