"""Folding of rest, reset, bias and gains into fewer parameters."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..._types import is_concrete
from ..graph import CellNode, real
from .base import AbstractPass

_MISSED = 0.1  # of the threshold: the largest bias that may be missed in the additional refractory step


class FoldGains(AbstractPass):
    """Move the reset to 0 and fold rest, bias and gain into bias and weights: `v <- (1 - decay_v) v + u + bias`.

    If arrivals act after the threshold (`Facts.arrivals`, as in `BrianOrder`), a jump decays for one step before it is
    compared, so its weight is reduced. A jump in the step of a spike is lost, so the cell is refractory for one step
    more, in which it misses its bias: refused if that is more than a tenth of its threshold.
    """

    def __call__(self, graph):
        after = graph.facts.after_threshold
        cells, edges = {}, {}
        for name, cell in graph.cells.items():
            if not cell.is_leaky:
                continue
            leak = cell["decay_v"] * (cell["v_rest"] - cell["v_reset"])
            gain = cell["gain"] * (1.0 - cell["decay_v"]) if after and jumps(cell) else cell["gain"]
            folded = cell.set(
                bias=real(leak + cell["per_step"] * cell["bias"]),
                threshold=real(cell["v_th"] - cell["v_reset"]) if "v_th" in cell.values else None,
                v_start=real(cell["v_start"] - cell["v_reset"]),
                v_th=None,
                v_rest=None,
                v_reset=None,
                per_step=None,
                gain=None,
                refractory=real(cell["refractory"] + (1 if after and jumps(cell) else 0)),
            )
            if after and jumps(cell):
                _held_longer(name, folded)
            cells[name] = dataclasses.replace(folded, ports=dict.fromkeys(cell.ports, gain))
            for key, edge in graph.into(name).items():
                edges[key] = edge.times(gain)
        return graph.having(cells=cells, edges=edges)


def _held_longer(name: str, cell: CellNode) -> None:
    """Raises ValueError for cells with a large bias in the additional refractory step."""
    if "threshold" not in cell.values or not is_concrete((cell["bias"], cell["threshold"])):
        return
    share = float(np.max(np.abs(np.asarray(cell["bias"])) / np.maximum(np.asarray(cell["threshold"]), 1e-30)))
    if share > _MISSED:
        raise ValueError(
            f"Population {name!r} moves by {100 * share:.0f} % of its threshold in the step after its refractory time,"
            " in which a chip's cell is held where arrivals act after the threshold; use NestOrder(), an Exponential "
            "port, or a smaller dt."
        )


def jumps(cell: CellNode) -> bool:
    """Whether arrivals are jumps of `v` instead of currents."""
    return int(cell["input_delay"]) == 0
