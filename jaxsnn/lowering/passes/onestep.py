"""Delays on a chip that has none: every edge takes one step, and the host may send later."""

from __future__ import annotations

import equinox as eqx
import numpy as np

from ..._types import is_concrete
from ..graph import Graph, real
from .base import AbstractPass


class OneStep(AbstractPass):
    """Every edge of the chip takes one step. Groups lag behind the model so that they may, and the host sends later.

    **Arguments:** `target`: its name, for errors. `nearest`: what to do in a cycle, for errors.
    """

    target: str = eqx.field(static=True)
    nearest: str = eqx.field(default="in a cycle use a delay of one step", static=True)

    def __call__(self, graph: Graph) -> Graph:
        takes, lags, before = {}, dict.fromkeys(graph.cells, 0), {}
        for key, edge in graph.edges.items():
            if not is_concrete(edge["delay"]) and edge.max_delay > 1:
                raise ValueError(
                    f"Projection {key!r} has a delay that is traced, and {self.target} has none; build the network "
                    "with a delay of one step."
                )
            delays = np.unique(np.asarray(edge["delay"])) if is_concrete(edge["delay"]) else np.ones(1)
            if delays.size > 1:
                raise ValueError(
                    f"Projection {key!r} has several delays, and {self.target} has none; give all the same."
                )
            takes[key] = max(0, *map(int, delays), 0) + int(graph.cells[edge.post]["input_delay"])
            takes[key] += int(graph.facts.after_threshold and graph.cells[edge.pre].is_input)
        for _ in range(2 * len(lags) + 2):
            before = dict(lags)
            for key, edge in graph.edges.items():
                lags[edge.post] = max(lags[edge.post], lags[edge.pre] + 1 - takes[key])
                lags[edge.pre] = lags[edge.post] - 1 + takes[key]
        if changing := ", ".join(sorted(name for name in lags if lags[name] != before[name])):
            raise ValueError(
                f"Ways that spikes take among {changing} differ in steps, and on {self.target} every edge takes one; "
                f"give all edges the same delay; {self.nearest}."
            )
        late = {name: lags[name] if cell.is_input else 0 for name, cell in graph.cells.items()}
        edges = {k: e.set(delay=real(np.int32(late[e.pre])), max_delay=late[e.pre]) for k, e in graph.edges.items()}
        return graph.having(edges=edges, lags=tuple((name, lags[name] - late[name]) for name in sorted(lags)))
