"""Groups that lag start so that they are right when the model starts."""

import numpy as np

from ...lowering.graph import Graph, Value
from ...lowering.passes.base import AbstractPass


class StartLate(AbstractPass):
    """A group that lags leaks before the model starts: its start is moved by that.

    Units without memory keep nothing of it; one that fires without input must not send to a group that would.
    """

    def __call__(self, graph):
        cells, lags = {}, dict(graph.lags)
        for name, cell in graph.cells.items():
            lag = lags.get(name, 0)
            if cell.is_input or not lag:
                continue
            number = lambda key, cell=cell: np.broadcast_to(np.asarray(cell[key], np.int64), (cell.n,))
            leak, start, threshold = number("leak"), number("start"), number("threshold")
            if int(cell["memoryless"]):
                if np.any(leak >= threshold) and (after := _integrators(graph, name)):
                    raise ValueError(
                        f"Population {name!r} is {lag} step(s) late and fires without input before it starts, which "
                        f"{after!r} would integrate; give its projections longer delays, or a bias below 0."
                    )
                continue
            moves = leak != 0 if not int(cell["reversal"]) else (leak != 0) & (start != 0)
            earlier = start - lag * np.where(moves, leak, 0)
            high, low = np.maximum(earlier, start), np.minimum(earlier, start)
            if np.any(moves & ((high >= threshold) | (low < -number("negative")) | (int(cell["reversal"]) > 0))):
                raise ValueError(
                    f"Population {name!r} is {lag} step(s) late, and its leak would take it to a threshold before it "
                    "starts; give its projections longer delays, or start it nearer to its reset."
                )
            cells[name] = cell.set(start=Value(earlier.astype(np.int32), cell.values["start"].format))
        return graph.having(cells=cells)


def _integrators(graph: Graph, name: str) -> str | None:
    """The first group that `name` projects to whose neurons integrate over steps; None if there is none."""
    for edge in graph.edges.values():
        if edge.pre == name and not int(graph.cells[edge.post]["memoryless"]):
            return edge.post
    return None
